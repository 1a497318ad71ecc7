#include "kernels/simt/checker/happens_before.h"

#include <algorithm>
#include <bit>

namespace lv::simt {

void HappensBefore::launch_begins() {
  launch_begin_ = ++interval_;
  blocks_.clear();
  releases_.clear();
}

void HappensBefore::block_begins(int64_t block, int lanes) {
  block_begin_ = ++interval_;
  blocks_.emplace_back(block_begin_, block);
  clocks_.assign(size_t(lanes), Clocks{});
  for (size_t i = 0; i < clocks_.size(); ++i) {
    clocks_[i][i % kWarpSize] = 1;
  }
  fences_.assign(size_t(lanes), View{});
  acquired_.clear();
}

void HappensBefore::warp_passed(int warp, uint32_t mask) {
  Clocks* lanes = clocks_.data() + size_t(warp) * kWarpSize;
  Clocks latest{};
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const Clocks& lane = lanes[std::countr_zero(rest)];
    for (size_t i = 0; i < latest.size(); ++i) {
      latest[i] = std::max(latest[i], lane[i]);
    }
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    lanes[lane] = latest;
    ++lanes[lane][size_t(lane)];
  }
}

void HappensBefore::fence(int thread) { fences_[size_t(thread)] = view(thread); }

void HappensBefore::atomic(const void* p, int thread) {
  auto& releases = releases_[p];
  for (const Release& release : releases) {
    if (release.block_begin != block_begin_) {
      acquired_.push_back({release, now(thread)});
    }
  }
  if (const View& fence = fences_[size_t(thread)]; fence.interval != 0) {
    releases.push_back({block_begin_, fence});
  }
}

Moment HappensBefore::now(int thread) const {
  return {interval_, clocks_[size_t(thread)][size_t(thread % kWarpSize)], uint16_t(thread)};
}

int64_t HappensBefore::block_of(uint32_t interval) const {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), interval,
                                      [](uint32_t value, const auto& block) { return value < block.first; });
  return after == blocks_.begin() ? -1 : std::prev(after)->second;
}

bool HappensBefore::View::contains(const Moment& past) const {
  return past.interval < interval || past.thread == thread ||
         (past.thread / kWarpSize == thread / kWarpSize && clocks[size_t(past.thread % kWarpSize)] >= past.clock);
}

// Whether a thread of another block has released `past` and `thread` knows of it.
bool HappensBefore::acquired(const Moment& past, int thread) const {
  return std::any_of(acquired_.begin(), acquired_.end(), [&](const Acquired& acquired) {
    const Release& release = acquired.release;
    return past.interval >= release.block_begin && past.interval <= release.view.interval &&
           release.view.contains(past) && view(thread).contains(acquired.by);
  });
}

bool HappensBefore::ordered(const Moment& past, int thread) const {
  if (!in_launch(past.interval)) {
    return true;
  }
  return in_block(past.interval) ? view(thread).contains(past) : acquired(past, thread);
}

bool HappensBefore::ordered(const Readers& past, int thread) const {
  if (!in_launch(past.interval)) {
    return true;
  }
  if (past.spread == Readers::Spread::blocks) {
    return false;
  }
  if (past.spread == Readers::Spread::warps) {
    return in_block(past.interval) && past.interval < interval_;
  }
  for (uint32_t rest = past.lanes; rest != 0; rest &= rest - 1) {
    const int reader = past.warp * kWarpSize + std::countr_zero(rest);
    if (!ordered(Moment{past.interval, past.clock, uint16_t(reader)}, thread)) {
      return false;
    }
  }
  return true;
}

Readers HappensBefore::with_reader(const Readers& readers, int thread) const {
  const Moment time = now(thread);
  Readers result{time.interval, time.clock, 1U << (thread % kWarpSize), uint8_t(thread / kWarpSize),
                 Readers::Spread::lanes};
  if (ordered(readers, thread)) {
    return result;
  }
  if (!in_block(readers.interval) || readers.spread == Readers::Spread::blocks) {
    result.spread = Readers::Spread::blocks;
  } else if (readers.warp != result.warp || readers.spread == Readers::Spread::warps) {
    result.spread = Readers::Spread::warps;
  } else {
    result.lanes |= readers.lanes;
    result.clock = std::min(result.clock, readers.clock);
  }
  return result;
}

}  // namespace lv::simt
