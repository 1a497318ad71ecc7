#pragma once
// What the emulator tells a tool that watches kernels run; the access checker is one.

#include <cstdint>

namespace lv::simt {

struct AsyncCopy;
struct Launch;
class Machine;

/// Called on the OS thread that runs the blocks, which is then the only one of the launch.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void launch_begins(const Launch& launch) = 0;
  virtual void launch_ends(const Launch& launch) noexcept = 0;
  virtual void block_begins(const Machine& machine) = 0;
  virtual void block_ends() = 0;
  /// Every thread of the block has passed a barrier.
  virtual void barrier_passed() = 0;
  /// The lanes of `mask` of a warp have passed a warp operation.
  virtual void warp_passed(int warp, uint32_t mask) = 0;
  /// The running thread has executed a memory fence of the device.
  virtual void fence() = 0;
  /// The running thread has queued an asynchronous copy, which may read and write from now on ...
  virtual void async_copy_begins(const AsyncCopy& copy) = 0;
  /// ... until now, when it has waited for it.
  virtual void async_copy_ends(const AsyncCopy& copy) = 0;
};

/// The observer, set once at program start; nullptr for none.
extern constinit Observer* observer;

}  // namespace lv::simt
