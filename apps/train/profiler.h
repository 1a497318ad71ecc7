#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.h"

namespace lv::train {

/// One op as it ran.
struct TraceEvent {
  std::string_view op;
  bool backward = false;
  int thread = 0;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t inner_ns = 0;  // of that, in ops called by this one
};

/// Records every op between its construction and stop(). On a device each op is waited for, so that its time is its
/// own. One at a time; to be made and stopped while no op runs.
class Profiler {
 public:
  explicit Profiler(Device device);
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  /// Ends recording. What ran, in order of its end on each thread.
  std::vector<TraceEvent> stop();
};

/// Writes the events in Chrome's trace format (chrome://tracing, Perfetto).
void save_trace(const std::filesystem::path& path, const std::vector<TraceEvent>& events);

/// A table of the `count` ops that took most time, without the ops they called: calls, time a call, share of all.
std::string costliest_ops(const std::vector<TraceEvent>& events, size_t count);

}  // namespace lv::train
