#pragma once

#include <atomic>
#include <string_view>

namespace lv {

/// What a profiler's hook is told about an op. `op` outlives the program's ops (a literal).
struct OpEvent {
  std::string_view op;
  bool backward;
};

using OpHook = void (*)(const OpEvent&) noexcept;

namespace detail {
inline std::atomic<OpHook> op_begin_hook{nullptr};
inline std::atomic<OpHook> op_end_hook{nullptr};
inline constinit thread_local std::string_view op_name;
}  // namespace detail

/// Calls `begin` and `end` around every op on the thread that runs it; nullptr for none. Ops that are running while the
/// hooks change may see only one of the two.
inline void set_op_hook(OpHook begin, OpHook end) {
  detail::op_begin_hook.store(begin, std::memory_order_release);
  detail::op_end_hook.store(end, std::memory_order_release);
}

/// Name of the innermost op that the calling thread is in; empty outside of ops.
inline std::string_view current_op() { return detail::op_name; }

/// Marks the scope of one op. `op` must be a literal or live as long.
class OpScope {
 public:
  explicit OpScope(std::string_view op, bool backward = false) : outer_(detail::op_name), event_{op, backward} {
    detail::op_name = op;
    call(detail::op_begin_hook);
  }
  ~OpScope() {
    call(detail::op_end_hook);
    detail::op_name = outer_;
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void call(const std::atomic<OpHook>& slot) const {
    if (const OpHook hook = slot.load(std::memory_order_acquire); hook != nullptr) [[unlikely]] {
      hook(event_);
    }
  }

  std::string_view outer_;
  OpEvent event_;
};

}  // namespace lv
