#pragma once
// Watches every load and store of emulated kernels, in builds with LV_ACCESS_CHECK. A launch throws CudaError, naming
// the kernel, both threads and both source lines, for
//   - races, by the byte: accesses by two threads, one of them a write, that no barrier, warp operation or (between
//   blocks)
//     fence and atomic operation separates; in shared and in global memory;
//   - reads of shared memory that the block has not written;
//   - accesses outside shared arrays, registered regions and the thread's own variables. Constants may be read.
// Memory of the emulated device is registered by itself. Launches of all host threads run one after the other.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/simt/vector_types.h"

namespace lv::simt {

/// Lets kernels access `bytes` bytes at `p`; errors and counters call them `name`. Throws Error if that overlaps
/// another region.
void register_region(const void* p, int64_t bytes, std::string_view name);
/// Ends what register_region(p) began. Throws Error if nothing did.
void unregister_region(const void* p);

/// What warp instructions moved, in units of the memory system: 32-byte sectors, or passes over the banks of shared
/// memory.
struct Transactions {
  int64_t requests = 0;  // warp instructions: the accesses of a warp's lanes at one place of the program
  int64_t units = 0;
  int64_t ideal_units = 0;  // if the same bytes were side by side
};

struct RegionTraffic {
  std::string region;
  int64_t loaded_bytes = 0;
  int64_t stored_bytes = 0;
  int64_t atomic_bytes = 0;
  Transactions loads;
  Transactions stores;
};

struct LaunchTraffic {
  std::string kernel;
  dim3 grid;
  dim3 block;
  std::vector<RegionTraffic> regions;  // those touched, in order of address
  Transactions shared;                 // a unit above the ideal is a bank conflict

  [[nodiscard]] int64_t loaded_bytes() const;
  [[nodiscard]] int64_t stored_bytes() const;
};

/// Counts the traffic of every launch in its scope. Only one at a time: throws Error for a second.
class TrafficRecorder {
 public:
  enum class Detail : uint8_t {
    bytes,
    transactions,  // and what the Transactions fields hold, which takes memory for every access of a block
  };

  explicit TrafficRecorder(Detail detail);
  ~TrafficRecorder();
  TrafficRecorder(const TrafficRecorder&) = delete;
  TrafficRecorder& operator=(const TrafficRecorder&) = delete;

  [[nodiscard]] Detail detail() const { return detail_; }
  [[nodiscard]] const std::vector<LaunchTraffic>& launches() const { return launches_; }
  void reset() { launches_.clear(); }
  void add(LaunchTraffic launch) { launches_.push_back(std::move(launch)); }

 private:
  Detail detail_;
  std::vector<LaunchTraffic> launches_;
};

}  // namespace lv::simt
