#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace lv::train {

/// Guesses how long work still takes from a moving average of the speed, which is corrected for its start.
class RemainingTime {
 public:
  /// `done` of the work (0 to 1) is finished `seconds` after the start; both ascend.
  void update(double done, double seconds);
  /// Seconds; none before the second update.
  [[nodiscard]] std::optional<double> estimate() const;

 private:
  double done_ = 0;
  double seconds_ = 0;
  double average_ = 0;  // of seconds for the whole work
  double weight_ = 0;   // of what the average has seen
};

/// "0:42", "12:05", "3:07:00".
std::string duration_text(double seconds);

/// The text of a bar: "label [=====>    ]  52 % text  0:42 left", cut to `columns`. Colours when `in_color`.
std::string bar_text(const std::string& label, double done, const std::string& text, std::optional<double> remaining_s,
                     int columns, bool in_color);

/// A progress bar on stderr, redrawn at most ten times a second.
class ProgressBar {
 public:
  explicit ProgressBar(bool in_color) : in_color_(in_color) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Shows that `done` (0 to 1) of `label` is finished. Another label begins another estimate of time.
  void show(const std::string& label, double done, const std::string& text);
  /// Takes it off the terminal, so that a line can be printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool in_color_;
  bool is_visible_ = false;
  std::string label_;
  Clock::time_point start_;
  Clock::time_point drawn_;
  RemainingTime remaining_;
};

}  // namespace lv::train
