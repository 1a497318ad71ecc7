#include "apps/train/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace lv::train {

namespace {

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void RemainingTime::update(double done, double seconds) {
  constexpr double kMemory = 0.1;  // share of the work over which the average reaches
  const double gained = done - done_;
  if (gained <= 0) {
    return;
  }
  const double fade = std::exp(-gained / kMemory);
  average_ = fade * average_ + (1 - fade) * (seconds - seconds_) / gained;
  weight_ = fade * weight_ + (1 - fade);
  done_ = done;
  seconds_ = seconds;
}

std::optional<double> RemainingTime::estimate() const {
  return weight_ > 0 ? std::optional(average_ / weight_ * (1 - done_)) : std::nullopt;
}

std::string duration_text(double seconds) {
  const auto whole = int64_t(std::max(0.0, std::round(seconds)));
  const int64_t hours = whole / 3600;
  const int64_t minutes = whole / 60 % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                   : fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string bar_text(const std::string& label, double done, const std::string& text, std::optional<double> remaining_s,
                     int columns, bool in_color) {
  constexpr int kCells = 24;
  const int full = std::clamp(int(done * kCells), 0, kCells);
  std::string bar = std::string(size_t(full), '=');
  if (full < kCells) {
    bar += '>' + std::string(size_t(kCells - full - 1), ' ');
  }
  const std::string end = remaining_s.has_value() ? "  " + duration_text(*remaining_s) + " left" : "";
  const std::string start = label + " [";
  std::string line = fmt::format("{}{}] {:3.0f} %{}{}", start, bar, 100 * done, text.empty() ? "" : "  " + text, end);
  line = line.substr(0, size_t(std::max(columns - 1, 0)));
  if (in_color && line.size() > start.size() + kCells) {
    line.insert(start.size() + kCells, "\033[0m");
    line.insert(start.size(), "\033[36m");
  }
  return line;
}

void ProgressBar::show(const std::string& label, double done, const std::string& text) {
  const Clock::time_point now = Clock::now();
  if (label != label_) {
    label_ = label;
    start_ = now;
    drawn_ = {};
    remaining_ = {};
  }
  remaining_.update(done, std::chrono::duration<double>(now - start_).count());
  if (now - drawn_ < std::chrono::milliseconds(100)) {
    return;
  }
  drawn_ = now;
  is_visible_ = true;
  const std::string line = bar_text(label, done, text, remaining_.estimate(), terminal_columns(), in_color_);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (is_visible_) {
    std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
    is_visible_ = false;
    drawn_ = {};
  }
}

}  // namespace lv::train
