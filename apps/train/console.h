#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "apps/train/append_file.h"
#include "apps/train/progress.h"

namespace lv::train {

/// What a run says: lines on stdout, a progress bar where stderr is a terminal, and all lines in a log file.
class Console {
 public:
  /// `is_quiet`: nothing but the log file. NO_COLOR in the environment switches colours off.
  explicit Console(bool is_quiet);

  /// Lines go to `path`, too, from now on.
  void log_to(const std::filesystem::path& path);

  void line(std::string_view text);
  /// A line that only repeats what a bar shows: left out on a terminal.
  void detail(std::string_view text);
  /// `done` (0 to 1) of `label` is finished.
  void progress(const std::string& label, double done, const std::string& text);

 private:
  void print(std::string_view text, bool on_stdout);

  bool is_quiet_;
  std::unique_ptr<ProgressBar> bar_;
  std::unique_ptr<AppendFile> log_;
};

}  // namespace lv::train
