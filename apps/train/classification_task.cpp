#include "apps/train/classification_task.h"

#include <algorithm>
#include <cmath>

#include "autograd/autocast.h"
#include "core/generator.h"
#include "models/registry.h"
#include "ops/losses.h"

namespace lv::train {

namespace {

constexpr size_t kShown = 20;
constexpr size_t kListedBad = 20;

std::vector<std::string> model_names() {
  const auto names = models::names();
  return {names.begin(), names.end()};
}

/// Softmax of one row.
std::vector<double> probabilities(const float* logits, int64_t classes) {
  const float top = *std::max_element(logits, logits + classes);
  std::vector<double> result;
  double sum = 0;
  for (int64_t i = 0; i < classes; ++i) {
    result.push_back(std::exp(double(logits[i]) - top));
    sum += result.back();
  }
  for (double& value : result) {
    value /= sum;
  }
  return result;
}

Canvas to_canvas(const Tensor& image, const data::Normalize& normalize) {
  const auto height = int(image.size(0));
  const auto width = int(image.size(1));
  const std::vector<float> values = image.to_vector<float>();
  Canvas canvas(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float* const pixel = &values[(size_t(y) * size_t(width) + size_t(x)) * 3];
      uint8_t rgb[3];
      for (size_t c = 0; c < 3; ++c) {
        const float level = pixel[c] * normalize.deviation[c] + normalize.mean[c];
        rgb[c] = uint8_t(std::lround(std::clamp(level, 0.0F, 1.0F) * 255));
      }
      canvas.set(x, y, {rgb[0], rgb[1], rgb[2]});
    }
  }
  return canvas;
}

ModelCard make_card(const ClassifierChoice& choice, const ClassificationData& options, const data::Dataset& dataset) {
  ModelCard card = describe_data(options, dataset);
  card.model = choice.model;
  card.stem = choice.stem;
  card.width = choice.width;
  return card;
}

void check_same_classes(const data::Dataset& train, const data::Dataset& eval) {
  LV_CHECK(train.class_names() == eval.class_names(),
           "the training part has {} classes ({}, ..), the held-out part {} ({}, ..): they must be the same",
           train.class_names().size(), train.class_names().front(), eval.class_names().size(),
           eval.class_names().front());
}

}  // namespace

void add_options(Options& options, ClassifierChoice& choice) {
  options.add("model", "model", &choice.model, "the network", {.choices = model_names()});
  options.add("model", "stem", &choice.stem, "first layer: 7x7 and pooling, or 3x3 for small pictures",
              {.choices = {"imagenet", "cifar"}});
  options.add("model", "width", &choice.width, "channels of the first stage", {.min = 1, .max = 4096});
  options.add("model", "zero-init-residual", &choice.zero_init_residual, "residual branches start as zero");
  options.add("model", "label-smoothing", &choice.label_smoothing, "share of the label spread over all classes",
              {.min = 0, .max = 1});
}

void ClassificationScore::add(const Tensor& logits, const Tensor& labels) {
  const int64_t classes = logits.size(1);
  confusion.resize(size_t(classes * classes));
  const std::vector<float> values = logits.to_vector<float>();
  const std::vector<int64_t> wanted = labels.to_vector<int64_t>();
  for (size_t n = 0; n < wanted.size(); ++n) {
    const float* const row = &values[n * size_t(classes)];
    const int64_t said = std::max_element(row, row + classes) - row;
    const float score = row[wanted[n]];
    right += int64_t(said == wanted[n]);
    right_of_five += int64_t(std::count_if(row, row + classes, [&](float other) { return other > score; }) < 5);
    loss -= std::log(std::max(probabilities(row, classes)[size_t(wanted[n])], 1e-300));
    ++confusion[size_t(wanted[n] * classes + said)];
  }
  count += int64_t(wanted.size());
}

ClassificationTask::ClassificationTask(const ClassifierChoice& choice, const ClassificationData& options, Device device,
                                       uint64_t seed, Console& console)
    : choice_(choice),
      options_(options),
      device_(device),
      seed_(seed),
      console_(console),
      train_set_(open_dataset(options, data::Split::train, seed)),
      eval_set_(open_dataset(options, data::Split::held_out, seed)),
      card_(make_card(choice, options, *train_set_)),
      model_(build(card_, choice.zero_init_residual)),
      train_source_(*train_set_, training_pipeline(options)),
      eval_source_(*eval_set_, evaluation_pipeline(card_)),
      loader_options_{.batch_size = std::min(options.batch_size, train_set_->size()),
                      .is_shuffled = true,
                      .drops_last = true,
                      .seed = seed,
                      .workers = int(options.workers),
                      .max_bad_share = options.max_bad_share,
                      .is_pinned = device.is_cuda()},
      batches_per_epoch_(train_set_->size() / loader_options_.batch_size) {
  check_same_classes(*train_set_, *eval_set_);
}

void ClassificationTask::load_batch() {
  if (loader_ == nullptr) {
    loader_ = std::make_unique<data::Loader>(train_source_, loader_options_, next_);
    listed_ = 0;
  }
  std::optional<data::Batch> loaded = loader_->next();
  LV_CHECK(loaded.has_value(), "the loader ended, but epochs do not");
  data::Batch batch = std::move(*loaded);
  list_bad(*loader_, listed_);
  const bool is_last = batch.position.batch + 1 == batches_per_epoch_;
  next_ = is_last ? data::LoaderPosition{batch.position.epoch + 1, 0}
                  : data::LoaderPosition{batch.position.epoch, batch.position.batch + 1};
  images_ = batch.tensors[0];
  targets_ = batch.tensors[1];
  if (options_.mixup > 0 || options_.cutmix > 0) {
    // A key of its own kind: samples draw from keys of the loader's seed.
    const uint64_t number = uint64_t(batch.position.epoch * batches_per_epoch_ + batch.position.batch);
    const PhiloxKey key{derive_seed(seed_, 1), number};
    auto [images, targets] =
        mix(images_, targets_, int64_t(card_.classes.size()), {options_.mixup, options_.cutmix}, key);
    images_ = std::move(images);
    targets_ = std::move(targets);
  }
  images_ = images_.to(device_);
  targets_ = targets_.to(device_);
}

void ClassificationTask::list_bad(const data::Loader& loader, size_t& listed) {
  const auto& bad = loader.bad_samples();
  for (; listed < bad.size(); ++listed) {
    if (listed < kListedBad) {
      console_.line("left out: " + bad[listed].reason);
    } else if (listed == kListedBad) {
      console_.line("left out: more files, which are not listed");
    }
  }
}

StepResult ClassificationTask::step() {
  const Tensor logits = model_->forward(images_);
  const ops::CrossEntropyOptions loss{.label_smoothing = choice_.label_smoothing};
  return {ops::cross_entropy(logits, targets_, loss), images_.size(0)};
}

std::vector<NamedValue> ClassificationTask::evaluate(const EvaluationTick& tick) {
  data::LoaderOptions options = loader_options_;
  options.batch_size = std::min(options_.eval_batch_size, eval_set_->size());
  options.is_shuffled = false;
  options.drops_last = false;
  data::Loader loader(eval_source_, options, {}, 1);
  ClassificationScore score;
  shown_.clear();
  size_t listed = 0;
  while (std::optional<data::Batch> batch = loader.next()) {
    list_bad(loader, listed);
    const Tensor logits = model_->forward(batch->tensors[0].to(device_)).to(DType::f32).to(Device::cpu());
    score.add(logits, batch->tensors[1]);
    show(batch->tensors[0], logits, batch->tensors[1]);
    if (!tick(score.count, eval_set_->size())) {
      return {};
    }
  }
  LV_CHECK(score.count > 0, "evaluation: none of the {} held-out pictures can be read", eval_set_->size());
  const auto count = double(score.count);
  std::vector<NamedValue> values{{"accuracy", 100 * double(score.right) / count}};
  if (card_.classes.size() > 10) {
    values.push_back({"top5", 100 * double(score.right_of_five) / count});
  }
  values.push_back({"loss", score.loss / count});
  if (listed_ + listed > 0) {
    values.push_back({"files_left_out", double(listed_ + listed)});
  }
  score_ = std::move(score);
  return values;
}

void ClassificationTask::show(const Tensor& images, const Tensor& logits, const Tensor& labels) {
  const int64_t classes = logits.size(1);
  const std::vector<float> values = logits.to_vector<float>();
  for (int64_t n = 0; n < images.size(0) && shown_.size() < kShown; ++n) {
    const std::vector<double> row = probabilities(&values[size_t(n * classes)], classes);
    const auto top = std::max_element(row.begin(), row.end());
    shown_.push_back({to_canvas(images.select(0, n), card_.normalize), labels.to_vector<int64_t>()[size_t(n)],
                      int64_t(top - row.begin()), *top});
  }
}

Canvas ClassificationTask::draw_predictions() const {
  constexpr int kColumns = 5;
  constexpr int kSide = 112;
  constexpr int kGap = 12;
  constexpr int kCaption = 46;
  const int rows = (int(shown_.size()) + kColumns - 1) / kColumns;
  Canvas page(kColumns * (kSide + kGap) - kGap, std::max(rows, 1) * (kSide + kCaption));
  for (size_t i = 0; i < shown_.size(); ++i) {
    const Shown& shown = shown_[i];
    const int x = int(i) % kColumns * (kSide + kGap);
    const int y = int(i) / kColumns * (kSide + kCaption);
    const bool is_right = shown.label == shown.predicted;
    page.draw(x, y, resized(shown.picture, kSide, kSide));
    const std::string said =
        fmt::format("{} {:.0f} %", card_.classes[size_t(shown.predicted)], 100 * shown.probability);
    page.text(x, y + kSide + 5, fit_text(said, kSide), is_right ? kGreen : kRed);
    if (!is_right) {
      page.text(x, y + kSide + 23, fit_text("is " + card_.classes[size_t(shown.label)], kSide), kInk);
    }
  }
  return page;
}

std::vector<NamedPicture> ClassificationTask::pictures() const {
  if (!score_.has_value()) {
    return {};
  }
  return {{"predictions", draw_predictions()},
          {"confusion (row: class, column: prediction)", draw_confusion(score_->confusion, card_.classes)}};
}

void ClassificationTask::save(const StateWriter& writer) const {
  writer.put("epoch", next_.epoch);
  writer.put("batch", next_.batch);
  writer.put("batches_per_epoch", batches_per_epoch_);
}

void ClassificationTask::load(const StateReader& reader) {
  LV_CHECK(reader.get<int64_t>("batches_per_epoch") == batches_per_epoch_,
           "the checkpoint's run had {} batches an epoch, this one has {}: data or batch size have changed",
           reader.get<int64_t>("batches_per_epoch"), batches_per_epoch_);
  next_ = {reader.get<int64_t>("epoch"), reader.get<int64_t>("batch")};
  loader_.reset();
}

}  // namespace lv::train
