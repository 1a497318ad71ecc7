#include "apps/train/signals.h"

#include <atomic>

namespace lv::train {

namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

StopSignals::StopSignals() {
  stop_requested = false;
  struct sigaction action{};
  action.sa_handler = [](int) { stop_requested = true; };
  action.sa_flags = int(SA_RESETHAND) | SA_RESTART;
  ::sigaction(SIGINT, &action, &previous_interrupt_);
  ::sigaction(SIGTERM, &action, &previous_terminate_);
}

StopSignals::~StopSignals() {
  ::sigaction(SIGINT, &previous_interrupt_, nullptr);
  ::sigaction(SIGTERM, &previous_terminate_, nullptr);
}

bool StopSignals::requested() { return stop_requested; }

}  // namespace lv::train
