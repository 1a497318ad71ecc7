#pragma once

#include <csignal>

namespace lv::train {

/// While it lives, SIGINT and SIGTERM ask for an orderly end instead of ending the process. The second one of a kind
/// ends the process as usual.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Whether one has come.
  static bool requested();

 private:
  struct sigaction previous_interrupt_{};
  struct sigaction previous_terminate_{};
};

}  // namespace lv::train
