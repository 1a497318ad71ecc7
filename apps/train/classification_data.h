#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/data/dataset.h"
#include "apps/data/loader.h"
#include "apps/data/transforms.h"
#include "apps/train/model_card.h"
#include "apps/train/options.h"

namespace lv::train {

/// In place of a folder: scenes are generated.
inline constexpr std::string_view kDigitScenes = "digit_scenes";

/// What a classifier learns from: the options of the group "data".
struct ClassificationData {
  std::string data{kDigitScenes};
  int64_t train_size = 20000;  // of generated sets
  int64_t eval_size = 2000;
  double clutter = 0.5;
  int64_t image_size = 96;
  int64_t eval_resize = 0;
  std::string interpolation = "bilinear";
  std::vector<double> mean = {0.485, 0.456, 0.406};
  std::vector<double> std = {0.229, 0.224, 0.225};
  int64_t batch_size = 64;
  int64_t eval_batch_size = 128;
  int64_t workers = 2;
  double max_bad_share = 0.01;

  std::string crop = "none";
  int64_t crop_padding = 4;
  double min_scale = 0.08;
  double flip = 0;
  double color_jitter = 0;
  double hue_jitter = 0;
  double grayscale = 0;
  double blur = 0;
  double solarize = 0;
  double lighting = 0;
  int64_t rand_augment = 0;
  int64_t rand_magnitude = 9;
  double erasing = 0;
  double mixup = 0;
  double cutmix = 0;
};

void add_options(Options& options, ClassificationData& data);

/// One part of the set that the options name. Throws IoError when its files are not there or not right.
std::unique_ptr<data::Dataset> open_dataset(const ClassificationData& options, data::Split split, uint64_t seed);

/// Steps from a picture of the training part to a sample.
data::Pipeline training_pipeline(const ClassificationData& options);

/// A card with all that the data decide.
ModelCard describe_data(const ClassificationData& options, const data::Dataset& dataset);

/// The samples of a data set: a picture, f32 [H, W, 3], and its label, i64.
class ClassificationSource final : public data::SampleSource {
 public:
  /// `dataset` must outlive this object.
  ClassificationSource(const data::Dataset& dataset, data::Pipeline pipeline);

  [[nodiscard]] int64_t size() const override { return dataset_.size(); }
  [[nodiscard]] TensorList sample(int64_t index, PhiloxKey key) const override;
  [[nodiscard]] std::string name(int64_t index) const override { return dataset_.name(index); }

 private:
  const data::Dataset& dataset_;
  data::Pipeline pipeline_;
};

}  // namespace lv::train
