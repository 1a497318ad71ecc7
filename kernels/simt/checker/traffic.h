#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "kernels/simt/access_checker.h"
#include "kernels/simt/checker/shadow.h"
#include "kernels/simt/machine.h"

namespace lv::simt {

enum class AccessKind : uint8_t { read, write, atomic };

/// Counts the accesses of one launch.
class TrafficCounter {
 public:
  explicit TrafficCounter(TrafficRecorder::Detail detail) : detail_(detail) {}

  /// An access by `lane` to `region`, or to shared memory if that is nullptr.
  void count(const Region* region, const void* p, int64_t bytes, AccessKind kind, const void* pc, const Lane& lane);
  /// Sums up the transactions of the block that has ended.
  void block_ends();
  /// Everything counted.
  [[nodiscard]] LaunchTraffic result(const Launch& launch) const;

 private:
  struct Access {
    const Region* region;
    const void* pc;
    uint64_t address;
    int32_t bytes;
    int32_t occurrence;  // how often the lane was at `pc` before
    uint16_t thread;
    AccessKind kind;

    [[nodiscard]] auto instruction() const { return std::tuple(thread / kWarpSize, pc, occurrence, region, kind); }
  };
  using Accesses = std::vector<Access>;

  void count_request(Accesses::const_iterator begin, Accesses::const_iterator end);

  TrafficRecorder::Detail detail_;
  std::map<const std::byte*, RegionTraffic> regions_;  // by address
  Transactions shared_;
  Accesses accesses_;
};

}  // namespace lv::simt
