#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "apps/train/classification_data.h"
#include "apps/train/console.h"
#include "apps/train/mixing.h"
#include "apps/train/task.h"

namespace lv::train {

/// What a classifier is: the options of the group "model".
struct ClassifierChoice {
  std::string model = "resnet18";
  std::string stem = "cifar";
  int64_t width = 64;
  bool zero_init_residual = false;
  double label_smoothing = 0;
};

void add_options(Options& options, ClassifierChoice& choice);

/// What an evaluation counts.
struct ClassificationScore {
  int64_t count = 0;
  int64_t right = 0;               // the class with the highest score
  int64_t right_of_five = 0;       // among the five highest
  double loss = 0;                 // sum
  std::vector<int64_t> confusion;  // [classes, classes], row: what it is, column: what was said

  /// logits: f32 [N, classes]; labels: i64 [N].
  void add(const Tensor& logits, const Tensor& labels);
};

/// Pictures and one label each, cross-entropy.
class ClassificationTask final : public Task {
 public:
  ClassificationTask(const ClassifierChoice& choice, const ClassificationData& options, Device device, uint64_t seed,
                     Console& console);

  [[nodiscard]] nn::Module& model() override { return *model_; }
  [[nodiscard]] SafetensorsMetadata about() const override { return to_metadata(card_); }
  [[nodiscard]] int64_t batches_per_epoch() const override { return batches_per_epoch_; }
  void load_batch() override;
  [[nodiscard]] std::vector<NamedTensor> batch() const override { return {{"images", images_}, {"targets", targets_}}; }
  [[nodiscard]] StepResult step() override;
  [[nodiscard]] std::vector<NamedValue> evaluate(const EvaluationTick& tick) override;
  [[nodiscard]] std::vector<NamedPicture> pictures() const override;
  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 private:
  /// One of the first pictures of an evaluation, and what the network said.
  struct Shown {
    Canvas picture;
    int64_t label;
    int64_t predicted;
    double probability;
  };

  void list_bad(const data::Loader& loader, size_t& listed);
  void show(const Tensor& images, const Tensor& logits, const Tensor& labels);
  [[nodiscard]] Canvas draw_predictions() const;

  ClassifierChoice choice_;
  ClassificationData options_;
  Device device_;
  uint64_t seed_;
  Console& console_;
  std::unique_ptr<data::Dataset> train_set_;
  std::unique_ptr<data::Dataset> eval_set_;
  ModelCard card_;
  std::unique_ptr<models::Classifier> model_;
  ClassificationSource train_source_;
  ClassificationSource eval_source_;
  data::LoaderOptions loader_options_;
  int64_t batches_per_epoch_;
  std::unique_ptr<data::Loader> loader_;
  data::LoaderPosition next_;
  size_t listed_ = 0;  // bad files
  Tensor images_;
  Tensor targets_;
  std::optional<ClassificationScore> score_;
  std::vector<Shown> shown_;
};

/// The matrix as a picture: counts in cells where there is room, shades by the share of the row.
Canvas draw_confusion(const std::vector<int64_t>& confusion, const std::vector<std::string>& classes);

}  // namespace lv::train
