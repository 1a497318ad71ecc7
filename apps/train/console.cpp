#include "apps/train/console.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace lv::train {

Console::Console(bool is_quiet) : is_quiet_(is_quiet) {
  if (!is_quiet && ::isatty(STDERR_FILENO) == 1) {
    const char* const no_color = std::getenv("NO_COLOR");
    bar_ = std::make_unique<ProgressBar>(no_color == nullptr || *no_color == '\0');
  }
}

void Console::log_to(const std::filesystem::path& path) { log_ = std::make_unique<AppendFile>(path); }

void Console::line(std::string_view text) { print(text, !is_quiet_); }

void Console::detail(std::string_view text) { print(text, !is_quiet_ && bar_ == nullptr); }

void Console::progress(const std::string& label, double done, const std::string& text) {
  if (bar_ != nullptr) {
    bar_->show(label, done, text);
  }
}

void Console::print(std::string_view text, bool on_stdout) {
  if (log_ != nullptr) {
    log_->write(std::string(text) + "\n");
  }
  if (on_stdout) {
    if (bar_ != nullptr) {
      bar_->clear();
    }
    std::printf("%.*s\n", int(text.size()), text.data());
    std::fflush(stdout);
  }
}

}  // namespace lv::train
