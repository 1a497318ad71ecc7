#pragma once
// Stacks and the switch between them: each thread of an emulated block that waits keeps its place on one.

#include <cstddef>

namespace lv::simt {

/// An own stack that a function runs on, or the stack of the calling OS thread (default constructed), from which fibers
/// are entered. The address and thread sanitizers are told of every switch.
class Fiber {
 public:
  /// Represents the stack of the OS thread it is first switched from.
  Fiber() = default;
  /// A new stack, on which `entry` starts at the first switch. `entry` must not return. `index` spreads the hot ends of
  /// neighbouring stacks over different cache sets. Throws OutOfMemoryError.
  Fiber(void (*entry)(), int index);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves `from`, the running fiber, and goes on where `to` was left.
  static void switch_to(Fiber& from, Fiber& to);

  /// Call first in an entry function, with what the switch that started the fiber came from.
  static void announce_start();

  /// Makes the fiber start at its entry again. What was on the stack is abandoned, destructors do not run.
  void restart();

  /// Whether `p` lies on this stack. Only for fibers with a stack of their own.
  [[nodiscard]] bool contains(const void* p) const { return p >= low_ && p < low_ + size_; }

  /// Bytes of a stack. An overrun hits an inaccessible page below it.
  static const size_t kStackBytes;

 private:
  void (*entry_)() = nullptr;
  std::byte* low_ = nullptr;
  size_t size_ = 0;
  size_t offset_ = 0;          // from the upper end, to the first byte used
  void* context_ = nullptr;    // saved stack pointer; ucontext_t where there is no hand-written switch
  void* sanitizer_ = nullptr;  // the address sanitizer's fake stack or the thread sanitizer's fiber
};

}  // namespace lv::simt
