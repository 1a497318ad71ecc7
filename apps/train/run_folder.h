#pragma once

#include <filesystem>
#include <string>

#include "apps/train/checkpoint_store.h"
#include "apps/train/console.h"

namespace lv::train {

/// The folder of a run: config.toml, log.txt, env.txt, checkpoints/, and what others put there.
class RunFolder {
 public:
  /// Makes the folder and lets the console write its log. Without `may_resume`, a folder that holds a checkpoint is an
  /// Error. A configuration that differs from that of an earlier start is shown, line by line. Throws IoError where the
  /// folder cannot be written.
  RunFolder(std::filesystem::path path, bool may_resume, int64_t keep_checkpoints, const std::string& config,
            Console& console);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] CheckpointStore& checkpoints() { return checkpoints_; }
  void write_environment(const std::string& text) const;

 private:
  std::filesystem::path path_;
  CheckpointStore checkpoints_;
};

}  // namespace lv::train
