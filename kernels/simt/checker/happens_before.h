#pragma once
// Which accesses of a launch happen before the present one, by the synchronisation that the kernel has done.

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernels/simt/machine.h"

namespace lv::simt {

// Note [Intervals and clocks]. Blocks run one after the other, so a single number, the interval, tells the launch, the
// block and the stretch between two barriers that an access belongs to. Within an interval threads of different warps
// are unordered; lanes of a warp are ordered by its warp operations, for which each lane keeps a clock of its own and
// the latest clock it has seen of each other lane.

/// When and by whom an access was made.
struct Moment {
  uint32_t interval = 0;  // 0 is before every launch
  uint32_t clock = 0;     // of the lane
  uint16_t thread = 0;
};

/// The same for a set of readers, as far as they are unordered among themselves.
struct Readers {
  enum class Spread : uint8_t { lanes, warps, blocks };

  uint32_t interval = 0;
  uint32_t clock = 0;  // the earliest
  uint32_t lanes = 0;
  uint8_t warp = 0;
  Spread spread = Spread::lanes;  // lanes of one warp, several warps of a block, several blocks
};

class HappensBefore {
 public:
  void launch_begins();
  void block_begins(int64_t block, int lanes);
  void barrier_passed() { ++interval_; }
  void warp_passed(int warp, uint32_t mask);
  /// `thread` has executed a fence.
  void fence(int thread);
  /// `thread` has made an atomic operation at `p`: it sees what those released who came before, and releases what it
  /// did before its last fence.
  void atomic(const void* p, int thread);

  [[nodiscard]] Moment now(int thread) const;
  /// Whether `past` is of this block (and launch).
  [[nodiscard]] bool in_block(uint32_t interval) const { return interval >= block_begin_; }
  [[nodiscard]] bool in_launch(uint32_t interval) const { return interval >= launch_begin_; }
  /// The block that an interval of this launch belongs to.
  [[nodiscard]] int64_t block_of(uint32_t interval) const;

  /// Whether `past` happens before what `thread` does now. True for everything in earlier launches.
  [[nodiscard]] bool ordered(const Moment& past, int thread) const;
  [[nodiscard]] bool ordered(const Readers& past, int thread) const;
  /// `readers` joined by `thread`, without those that happen before it.
  [[nodiscard]] Readers with_reader(const Readers& readers, int thread) const;

 private:
  using Clocks = std::array<uint32_t, kWarpSize>;

  /// What a thread had seen at some time.
  struct View {
    uint32_t interval = 0;
    int thread = 0;
    Clocks clocks{};

    [[nodiscard]] bool contains(const Moment& past) const;
  };
  struct Release {
    uint32_t block_begin;
    View view;
  };
  struct Acquired {
    Release release;
    Moment by;
  };

  [[nodiscard]] View view(int thread) const { return {interval_, thread, clocks_[size_t(thread)]}; }
  [[nodiscard]] bool acquired(const Moment& past, int thread) const;

  uint32_t interval_ = 0;
  uint32_t launch_begin_ = 0;
  uint32_t block_begin_ = 0;
  std::vector<Clocks> clocks_;  // by thread
  std::vector<View> fences_;    // by thread; interval 0 for none
  std::vector<Acquired> acquired_;
  std::unordered_map<const void*, std::vector<Release>> releases_;
  std::vector<std::pair<uint32_t, int64_t>> blocks_;  // first interval, number
};

}  // namespace lv::simt
