#include "apps/train/classification_data.h"

#include <algorithm>

#include "apps/data/digit_scene.h"
#include "apps/data/open_dataset.h"

namespace lv::train {

namespace {

// JPEGs are decoded at a smaller scale where two pixels an axis are left for each one of the crop: there the difference
// to a full decode is below that of one compression.
constexpr double kMinReduction = 2;

data::Normalize normalize_of(const ClassificationData& options) {
  data::Normalize normalize;
  LV_CHECK_AS(UsageError, options.mean.size() == 3 && options.std.size() == 3,
              "--mean, --std: want three numbers each, got {} and {}", options.mean.size(), options.std.size());
  std::copy(options.mean.begin(), options.mean.end(), normalize.mean.begin());
  std::copy(options.std.begin(), options.std.end(), normalize.deviation.begin());
  return normalize;
}

data::Image with_three_channels(const data::Image& grey) {
  data::Image image(grey.height, grey.width, 3);
  for (size_t i = 0; i < grey.pixels.size(); ++i) {
    std::fill_n(image.pixels.begin() + int64_t(3 * i), 3, grey.pixels[i]);
  }
  return image;
}

}  // namespace

void add_options(Options& options, ClassificationData& data) {
  const auto add = [&options](const char* name, Options::Target target, const char* help, OptionLimits limits = {}) {
    options.add("data", name, target, help, std::move(limits));
  };
  const OptionLimits probability{.min = 0, .max = 1};
  add("data", &data.data,
      "a folder (class folders in train/ and val/, or the files of CIFAR or MNIST), or digit_scenes");
  add("train-size", &data.train_size, "scenes of digit_scenes", {.min = 1});
  add("eval-size", &data.eval_size, "scenes of digit_scenes", {.min = 1});
  add("clutter", &data.clutter, "strength of the textures of digit_scenes", probability);
  add("image-size", &data.image_size, "pixels of the network's input", {.min = 8, .max = 4096});
  add("eval-resize", &data.eval_resize, "shorter side before the middle is cut out (0: image-size)", {.min = 0});
  add("interpolation", &data.interpolation, "of all resizing", {.choices = {"bilinear", "bicubic"}});
  add("mean", &data.mean, "of the three colours, 0 to 1");
  add("std", &data.std, "deviation of the three colours", {.min = 1e-6});
  add("batch-size", &data.batch_size, "pictures of a training batch", {.min = 1});
  add("eval-batch-size", &data.eval_batch_size, "pictures of an evaluation batch", {.min = 1});
  add("workers", &data.workers, "threads that make batches", {.min = 1, .max = 1024});
  add("max-bad-share", &data.max_bad_share, "stop when more files than this share are unreadable", probability);
  add("crop", &data.crop, "of training pictures: random place, or random place and size",
      {.choices = {"none", "padded", "resized"}});
  add("crop-padding", &data.crop_padding, "black pixels around pictures for crop padded", {.min = 0});
  add("min-scale", &data.min_scale, "least share of a picture for crop resized", {.min = 1e-4, .max = 1});
  add("flip", &data.flip, "probability of mirroring", probability);
  add("color-jitter", &data.color_jitter, "strength of brightness, contrast, saturation", {.min = 0});
  add("hue-jitter", &data.hue_jitter, "strength of hue", {.min = 0, .max = 0.5});
  add("grayscale", &data.grayscale, "probability", probability);
  add("blur", &data.blur, "probability of a Gaussian blur", probability);
  add("solarize", &data.solarize, "probability", probability);
  add("lighting", &data.lighting, "deviation of the noise along colours' principal components", {.min = 0});
  add("rand-augment", &data.rand_augment, "operations of RandAugment (0: none)", {.min = 0});
  add("rand-magnitude", &data.rand_magnitude, "their strength", {.min = 0, .max = 30});
  add("erasing", &data.erasing, "probability of a random rectangle", probability);
  add("mixup", &data.mixup, "alpha: pairs of pictures are blended (0: none)", {.min = 0});
  add("cutmix", &data.cutmix, "alpha: rectangles are exchanged (0: none)", {.min = 0});
}

std::unique_ptr<data::Dataset> open_dataset(const ClassificationData& options, data::Split split, uint64_t seed) {
  const bool is_train = split == data::Split::train;
  if (options.data == kDigitScenes) {
    data::DigitSceneOptions scene{.height = options.image_size, .width = options.image_size};
    scene.clutter = options.clutter;
    return std::make_unique<data::DigitScenes>(scene, split, seed, is_train ? options.train_size : options.eval_size);
  }
  return data::open_dataset(options.data, split);
}

data::Pipeline training_pipeline(const ClassificationData& options) {
  const data::Interpolation interpolation = parse_interpolation(options.interpolation);
  const int64_t size = options.image_size;
  data::Pipeline pipeline{.steps = {}, .normalize = normalize_of(options)};
  const auto add = [&pipeline](bool is_wanted, const data::Transform& transform) {
    if (is_wanted) {
      pipeline.steps.push_back(transform);
    }
  };
  add(options.crop == "none", data::Resize{size, interpolation});
  add(options.crop == "none", data::CenterCrop{size});
  add(options.crop == "padded", data::RandomCrop{size, options.crop_padding});
  add(options.crop == "resized", data::RandomResizedCrop{.size = size,
                                                         .scale = {options.min_scale, 1},
                                                         .interpolation = interpolation,
                                                         .min_reduction = kMinReduction});
  add(options.flip > 0, data::RandomHorizontalFlip{options.flip});
  add(options.rand_augment > 0,
      data::RandAugment{.operations = int(options.rand_augment), .magnitude = int(options.rand_magnitude)});
  const double jitter = options.color_jitter;
  add(jitter > 0 || options.hue_jitter > 0, data::ColorJitter{jitter, jitter, jitter, options.hue_jitter});
  add(options.grayscale > 0, data::RandomGrayscale{options.grayscale});
  add(options.blur > 0, data::RandomGaussianBlur{.probability = options.blur});
  add(options.solarize > 0, data::RandomSolarize{.probability = options.solarize});
  if (options.lighting > 0) {
    pipeline.lighting = data::PcaLighting{options.lighting};
  }
  if (options.erasing > 0) {
    pipeline.erasing = data::RandomErasing{.probability = options.erasing};
  }
  data::check(pipeline);
  return pipeline;
}

ModelCard describe_data(const ClassificationData& options, const data::Dataset& dataset) {
  return {.model = {},
          .classes = dataset.class_names(),
          .image_size = options.image_size,
          .resize = options.eval_resize,
          .interpolation = options.interpolation,
          .normalize = normalize_of(options)};
}

ClassificationSource::ClassificationSource(const data::Dataset& dataset, data::Pipeline pipeline)
    : dataset_(dataset), pipeline_(std::move(pipeline)) {}

TensorList ClassificationSource::sample(int64_t index, PhiloxKey key) const {
  const data::Example example = dataset_.example(index);
  Tensor picture;
  if (const auto* path = std::get_if<std::filesystem::path>(&example.picture)) {
    picture = data::run(pipeline_, *path, key);
  } else {
    const auto& image = std::get<data::Image>(example.picture);
    picture = data::run(pipeline_, image.channels == 3 ? image : with_three_channels(image), key);
  }
  TensorList tensors;
  tensors.push_back(std::move(picture));
  tensors.push_back(Tensor::from<int64_t>({example.label}, {}));
  return tensors;
}

}  // namespace lv::train
