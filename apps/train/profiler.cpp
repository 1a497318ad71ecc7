#include "apps/train/profiler.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/file.h"
#include "core/op_hook.h"
#include "core/stream.h"

namespace lv::train {

namespace {

// The hooks are plain functions: what they write to is global.
struct Recording {
  std::mutex mutex;
  std::vector<TraceEvent> events;
  Device device;
  int threads = 0;
};

Recording& recording() {
  static Recording instance;
  return instance;
}

struct ThreadStack {
  int number = [] {
    const std::lock_guard lock(recording().mutex);
    return ++recording().threads;
  }();
  std::vector<TraceEvent> open;
};
thread_local ThreadStack stack;

int64_t now_ns() {
  if (const Device device = recording().device; device.is_cuda()) {
    synchronize(current_stream(device));
  }
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void begin_op(const OpEvent& event) noexcept {
  stack.open.push_back({event.op, event.backward, stack.number, now_ns(), 0, 0});
}

void end_op(const OpEvent& /*event*/) noexcept {
  if (stack.open.empty()) {  // it began before the recording
    return;
  }
  TraceEvent done = stack.open.back();
  stack.open.pop_back();
  done.end_ns = now_ns();
  if (!stack.open.empty()) {
    stack.open.back().inner_ns += done.end_ns - done.begin_ns;
  }
  const std::lock_guard lock(recording().mutex);
  recording().events.push_back(done);
}

std::string label(const TraceEvent& event) { return std::string(event.op) + (event.backward ? " (backward)" : ""); }

}  // namespace

Profiler::Profiler(Device device) {
  recording().events.clear();
  recording().device = device;
  set_op_hook(begin_op, end_op);
}

Profiler::~Profiler() { set_op_hook(nullptr, nullptr); }

std::vector<TraceEvent> Profiler::stop() {
  set_op_hook(nullptr, nullptr);
  const std::lock_guard lock(recording().mutex);
  return std::exchange(recording().events, {});
}

void save_trace(const std::filesystem::path& path, const std::vector<TraceEvent>& events) {
  int64_t start_ns = events.empty() ? 0 : events[0].begin_ns;
  for (const TraceEvent& event : events) {
    start_ns = std::min(start_ns, event.begin_ns);
  }
  AtomicFile file(path);
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  const char* separator = "\n";
  for (const TraceEvent& event : events) {
    const nlohmann::ordered_json line{{"name", label(event)},
                                      {"ph", "X"},
                                      {"ts", double(event.begin_ns - start_ns) / 1000},
                                      {"dur", double(event.end_ns - event.begin_ns) / 1000},
                                      {"pid", 1},
                                      {"tid", event.thread}};
    text += std::exchange(separator, ",\n") + line.dump();
  }
  file.write(text + "\n]}\n");
  file.commit();
}

std::string costliest_ops(const std::vector<TraceEvent>& events, size_t count) {
  struct Cost {
    std::string name;
    int64_t calls = 0;
    double ms = 0;
  };
  std::map<std::string, Cost> by_name;
  double total_ms = 0;
  for (const TraceEvent& event : events) {
    Cost& cost = by_name[label(event)];
    const double ms = double(event.end_ns - event.begin_ns - event.inner_ns) / 1e6;
    cost.name = label(event);
    ++cost.calls;
    cost.ms += ms;
    total_ms += ms;
  }
  std::vector<Cost> costs;
  for (const auto& [name, cost] : by_name) {
    costs.push_back(cost);
  }
  std::stable_sort(costs.begin(), costs.end(), [](const Cost& a, const Cost& b) { return a.ms > b.ms; });
  costs.resize(std::min(costs.size(), count));
  std::string table = fmt::format("{:<36} {:>8} {:>10} {:>10} {:>7}\n", "op", "calls", "ms", "ms/call", "share");
  for (const Cost& cost : costs) {
    table += fmt::format("{:<36} {:>8} {:>10.2f} {:>10.4f} {:>6.1f}%\n", cost.name, cost.calls, cost.ms,
                         cost.ms / double(cost.calls), 100 * cost.ms / total_ms);
  }
  return table;
}

}  // namespace lv::train
