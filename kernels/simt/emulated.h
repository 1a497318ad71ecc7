#pragma once
// The dialect on the host: CUDA's names for what kernels use, each thread of a block being a fiber of the emulator.
// Included through dialect.h only.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <tuple>
#include <type_traits>

#include "core/stream.h"
#include "kernels/simt/emulated_math.h"
#include "kernels/simt/machine.h"
#include "kernels/simt/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

#define threadIdx (::lv::simt::thread_index())
#define blockIdx (::lv::simt::block_index())
#define blockDim (::lv::simt::block_dim())
#define gridDim (::lv::simt::grid_dim())
#define warpSize 32

#define LV_DEVICE inline
#define LV_SHARED(type, name, ...)                          \
  using name##_array = type __VA_ARGS__;                    \
  static constexpr ::lv::simt::SharedTag name##_tag{#name}; \
  name##_array& name = *static_cast<name##_array*>(::lv::simt::current_block_shared(name##_tag, sizeof(name##_array)))
#define LV_DYN_SHARED(type, name) type* name = static_cast<type*>(::lv::simt::dynamic_shared())

namespace lv::simt {

LV_SIMT_UNCHECKED inline void* current_block_shared(const SharedTag& tag, int64_t bytes) {
  return current_machine->shared_array(tag, bytes);
}

// The device bodies are in async_copy.cuh.
LV_SIMT_UNCHECKED __attribute__((noinline)) inline void queue_async_copy(void* shared, const void* global, int bytes,
                                                                         int valid_bytes) {
  current_machine->queue_copy({shared, global, bytes, valid_bytes, __builtin_return_address(0)});
}
LV_SIMT_UNCHECKED inline void commit_async_copies() { current_machine->commit_copies(); }
LV_SIMT_UNCHECKED inline void wait_for_async_copies(int open_groups) { current_machine->wait_for_copies(open_groups); }

/// The lanes of `mask` meet at `op`, each with its operand.
LV_SIMT_UNCHECKED inline void meet(const WarpOp& op, uint32_t mask, void* operand, const std::source_location& site) {
  current_machine->wait_at_warp_op(op, mask, operand, site);
}

struct ShuffleOperand {
  uint64_t value;
  int source;  // lane
  uint64_t result;
};
struct VoteOperand {
  bool predicate;
  uint32_t result;
};

struct MmaOperand {
  uint32_t a[4];
  uint32_t b[2];
  float c[4];  // the result as well
};

extern const WarpOp kSyncWarp;
extern const WarpOp kShuffle;
extern const WarpOp kVote;
extern const WarpOp kMmaM16N8K16;

/// What CUDA's shuffles take.
template <class T>
concept Shuffled = (std::integral<T> || std::floating_point<T>) && (sizeof(T) == 4 || sizeof(T) == 8);

/// `value` of lane `source`.
template <Shuffled T>
T shuffle(uint32_t mask, T value, int source, const std::source_location& site) {
  ShuffleOperand operand{0, source, 0};
  std::memcpy(&operand.value, &value, sizeof(T));
  meet(kShuffle, mask, &operand, site);
  std::memcpy(&value, &operand.result, sizeof(T));
  return value;
}

/// The integers on which CUDA has atomic operations (it has more for the largest and smallest value). Floating-point
/// atomics are not part of the dialect, since their sums depend on the order of blocks: reduce in two stages.
template <class T>
concept AtomicInteger = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long>;
template <class T>
concept AtomicOrdered = AtomicInteger<T> || std::same_as<T, long long>;

template <AtomicOrdered T, class F>
T atomic_update(T* p, F update) {
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(p, &old, update(old), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {}
  return old;
}

/// Runs `kernel` over `grid` x `block` threads with `shared_bytes` of dynamic shared memory; a grid with a zero
/// dimension is nothing to do. Throws DeviceError if `stream` is not one of a cuda device and CudaError, naming the
/// kernel, if the launch is invalid or the kernel misuses barriers, warp operations or shared memory.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, int64_t shared_bytes, Stream stream,
            const Args&... args) {
  static_assert((std::is_trivially_copyable_v<Params> && ...), "kernel parameters are copied to the device as bytes");
  static_assert((!std::is_reference_v<Params> && ...), "a kernel cannot refer to an object of the host");
  LV_CHECK_DEVICE(stream.device.is_cuda(), "launch: wants a stream of a cuda device, got one of {}", stream.device);
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return;
  }
  struct Closure {
    void (*kernel)(Params...);
    std::tuple<Params...> params;
  };
  const Closure closure{kernel, {args...}};
  const auto invoke = [](const void* erased) {
    const auto& c = *static_cast<const Closure*>(erased);
    std::apply(c.kernel, c.params);
  };
  run({reinterpret_cast<const void*>(kernel), invoke, &closure, sizeof(closure), grid, block, shared_bytes});
}

}  // namespace lv::simt

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the names are CUDA's

// ---- meeting points

LV_SIMT_UNCHECKED inline void __syncthreads(std::source_location site = std::source_location::current()) {
  lv::simt::current_machine->wait_at_barrier(site);
}
inline void __syncwarp(unsigned mask = ~0U, std::source_location site = std::source_location::current()) {
  lv::simt::meet(lv::simt::kSyncWarp, mask, nullptr, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location site = std::source_location::current()) {
  lv::simt::VoteOperand operand{predicate != 0, 0};
  lv::simt::meet(lv::simt::kVote, mask, &operand, site);
  return operand.result;
}
inline int __any_sync(unsigned mask, int predicate, std::source_location site = std::source_location::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, std::source_location site = std::source_location::current()) {
  return __ballot_sync(mask, predicate == 0, site) == 0;
}

// ---- shuffles. Whoever asks beyond its group of `width` lanes gets its own value (up, down, xor) or wraps around.

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,
              std::source_location site = std::source_location::current()) {
  const int group = lv::simt::lane_number() & ~(width - 1);
  return lv::simt::shuffle(mask, value, group | (source & (width - 1)), site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                   std::source_location site = std::source_location::current()) {
  const int lane = lv::simt::lane_number();
  const int source = lane + int(delta);
  return lv::simt::shuffle(mask, value, source <= (lane | (width - 1)) ? source : lane, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                 std::source_location site = std::source_location::current()) {
  const int lane = lv::simt::lane_number();
  const int source = lane - int(delta);
  return lv::simt::shuffle(mask, value, source >= (lane & ~(width - 1)) ? source : lane, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize,
                  std::source_location site = std::source_location::current()) {
  const int lane = lv::simt::lane_number();
  const int source = lane ^ lane_mask;
  return lv::simt::shuffle(mask, value, source <= (lane | (width - 1)) ? source : lane, site);
}

// ---- memory

template <lv::simt::AtomicInteger T>
T atomicAdd(T* p, std::type_identity_t<T> value) {
  return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
}
template <lv::simt::AtomicOrdered T>
T atomicMax(T* p, std::type_identity_t<T> value) {
  return lv::simt::atomic_update(p, [=](T old) { return old < value ? value : old; });
}
template <lv::simt::AtomicOrdered T>
T atomicMin(T* p, std::type_identity_t<T> value) {
  return lv::simt::atomic_update(p, [=](T old) { return value < old ? value : old; });
}
template <lv::simt::AtomicInteger T>
T atomicExch(T* p, std::type_identity_t<T> value) {
  return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}
template <lv::simt::AtomicInteger T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}
LV_SIMT_UNCHECKED inline void __threadfence() { lv::simt::current_machine->fence(); }
template <class T>
T __ldg(const T* p) {
  return *p;
}

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)
