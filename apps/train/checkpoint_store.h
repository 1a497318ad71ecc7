#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/safetensors.h"
#include "core/stateful.h"

namespace lv::train {

/// What a checkpoint holds.
struct Checkpoint {
  std::vector<NamedTensor> model;  // the weights to evaluate and to use
  SafetensorsMetadata about;       // what the model is
  State state;                     // what else a run needs to go on
};

/// The checkpoints of a run. Each is a folder, step-00001200, with model.safetensors, train.safetensors (the state's
/// tensors) and state.json (its numbers and texts). It is made under another name and renamed: complete or absent.
/// `last` and `best` are links. Members throw IoError.
class CheckpointStore {
 public:
  /// `keep_last`: how many of the newest are kept besides the best, at least 1. Removes what a crash left behind.
  CheckpointStore(std::filesystem::path folder, int64_t keep_last);

  /// Writes a checkpoint, points the links at it, and removes the ones that are no longer to be kept.
  void save(int64_t step, const Checkpoint& checkpoint, bool is_best);
  /// The folder of the newest checkpoint.
  [[nodiscard]] std::optional<std::filesystem::path> last() const;
  [[nodiscard]] std::optional<std::filesystem::path> best() const;

 private:
  [[nodiscard]] std::vector<std::filesystem::path> steps() const;
  void point(const char* link, const std::filesystem::path& target) const;
  void remove(const std::filesystem::path& checkpoint) const;

  std::filesystem::path folder_;
  int64_t keep_last_;
};

/// Reads the checkpoint in `folder`.
Checkpoint load_checkpoint(const std::filesystem::path& folder);

/// Reads a model from a file, safetensors or of torch.save, or from a checkpoint's folder.
SafetensorsFile load_model_file(const std::filesystem::path& path);

}  // namespace lv::train
