#pragma once
// Runs the threads of one emulated block. Every thread (lane) that has to wait keeps a fiber; a lane that never waits
// runs straight through on the fiber of the one before it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "kernels/simt/emulator.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/shared_memory.h"
#include "kernels/simt/vector_types.h"

// The accessors below run inside kernels, also in those compiled for the access checker, which is not to see them.
#if defined(__SANITIZE_THREAD__)
#define LV_SIMT_UNCHECKED __attribute__((no_sanitize_thread))
#else
#define LV_SIMT_UNCHECKED
#endif

namespace lv::simt {

constexpr int kWarpSize = 32;

/// One launch of a kernel: `invoke(closure)` runs one thread of it.
struct Launch {
  const void* kernel;  // for its name
  void (*invoke)(const void* closure);
  const void* closure;
  size_t closure_bytes;
  dim3 grid;
  dim3 block;
  int64_t shared_bytes;
};

/// Runs all threads of `launch`. Throws CudaError, naming the kernel, for a configuration that no device accepts and
/// for kernels that misuse barriers, warp operations or shared memory.
void run(const Launch& launch);

/// An operation in which the lanes of a mask take part together. `run` gets the operand of each lane of the mask and
/// returns nullptr, or what is wrong with them.
struct WarpOp {
  const char* name;
  const char* (*run)(void* const (&operands)[kWarpSize], uint32_t mask);
};

/// A copy from global to shared memory that has been queued but not waited for. Bytes from `valid_bytes` on become
/// zero.
struct AsyncCopy {
  void* shared;
  const void* global;
  int bytes;
  int valid_bytes;
  const void* pc;
  int group = 0;
};

/// One thread of the block. A cache line each, since they are all visited between two barriers.
struct alignas(64) Lane {
  enum class State : uint8_t { fresh, ready, running, at_barrier, at_warp_op, exited };

  uint3 index{};
  int number = 0;  // in the block; modulo 32 in its warp
  Fiber* fiber = nullptr;
  State state = State::fresh;
  uint32_t mask = 0;
  const WarpOp* op = nullptr;
  void* operand = nullptr;
  std::source_location site;  // of the barrier or warp operation where it waits
  int open_copies = 0;        // queued and not waited for
  int committed_groups = 0;
};

/// What a kernel can ask about its block.
struct Block {
  uint3 index{};
  dim3 dim;
  dim3 grid;
  int64_t number = 0;
  std::byte* dynamic_shared = nullptr;
};

class Machine;

extern constinit thread_local Lane* current_lane;
extern constinit thread_local Machine* current_machine;

class Machine {
 public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Runs block `number` of `launch` to its end. Throws CudaError (without the kernel's name) when it goes wrong.
  void run_block(const Launch& launch, int64_t number);

  // For the running lane.
  void wait_at_barrier(const std::source_location& site);
  void wait_at_warp_op(const WarpOp& op, uint32_t mask, void* operand, const std::source_location& site);
  void* shared_array(const SharedTag& tag, int64_t bytes);
  void queue_copy(AsyncCopy copy);
  void commit_copies();
  void wait_for_copies(int open_groups);
  void fence();
  /// Ends the block with an error. The lanes' stacks are abandoned where they are, without destructors.
  [[noreturn]] void abandon(std::string complaint);

  [[nodiscard]] const Block& block() const { return block_; }
  [[nodiscard]] const SharedMemory& shared_memory() const { return shared_; }
  [[nodiscard]] int num_lanes() const { return int(lanes_.size()); }
  [[nodiscard]] std::string block_name() const;

 private:
  static void fiber_main();

  void begin_block(const Launch& launch, int64_t number);
  void set_order(int64_t number);
  void shuffle(std::vector<int>& numbers, size_t begin, size_t end);
  void run_warp(int warp);
  Lane* next_runnable();
  Fiber& fiber_of(Lane& lane);
  void leave(Lane& lane);
  void finish_lane();
  bool complete_warp_ops(int warp);
  bool complete_warp_op(int warp, const Lane& first);
  void pass_barrier();
  void reset_fibers();
  [[noreturn]] void fail(const char* what) const;

  Block block_;
  const Launch* launch_ = nullptr;
  std::vector<Lane> lanes_;
  std::vector<std::vector<AsyncCopy>> copies_;  // open ones, by lane
  int alive_ = 0;
  std::string complaint_;

  // The lanes of a warp are neighbours in lane_order_; cursor_ to pass_end_ are those still to run in this pass.
  LaneOrder order_ = LaneOrder::forward;
  std::vector<int> warp_order_;
  std::vector<int> lane_order_;
  size_t cursor_ = 0;
  size_t pass_end_ = 0;
  uint32_t random_ = 0;

  Fiber home_;  // the scheduler's place: the OS thread's stack
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_fibers_;
  SharedMemory shared_;
};

// ---- what kernels call through dialect.h

LV_SIMT_UNCHECKED inline uint3 thread_index() { return current_lane->index; }
LV_SIMT_UNCHECKED inline uint3 block_index() { return current_machine->block().index; }
LV_SIMT_UNCHECKED inline dim3 block_dim() { return current_machine->block().dim; }
LV_SIMT_UNCHECKED inline dim3 grid_dim() { return current_machine->block().grid; }
LV_SIMT_UNCHECKED inline int lane_number() { return current_lane->number % kWarpSize; }
LV_SIMT_UNCHECKED inline void* dynamic_shared() { return current_machine->block().dynamic_shared; }

}  // namespace lv::simt
