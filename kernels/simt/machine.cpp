#include "kernels/simt/machine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "kernels/simt/observer.h"

namespace lv::simt {

constinit thread_local Lane* current_lane = nullptr;
constinit thread_local Machine* current_machine = nullptr;
constinit Observer* observer = nullptr;

namespace {

constexpr SharedTag kDynamicShared{"dynamic shared memory"};

std::string place(const std::source_location& site) { return fmt::format("{}:{}", site.file_name(), site.line()); }

bool same_site(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

std::string describe(const Lane& lane) {
  switch (lane.state) {
    case Lane::State::at_barrier:
      return "wait at __syncthreads, " + place(lane.site);
    case Lane::State::at_warp_op:
      return fmt::format("wait at {} with mask {:#010x}, {}", lane.op->name, lane.mask, place(lane.site));
    case Lane::State::exited:
      return "have exited";
    default:
      return "are running";
  }
}

}  // namespace

Machine::Machine() = default;
Machine::~Machine() = default;

std::string Machine::block_name() const {
  return fmt::format("block ({}, {}, {})", block_.index.x, block_.index.y, block_.index.z);
}

// Throws with the places where the threads are, those in the same place together.
void Machine::fail(const char* what) const {
  struct Group {
    std::string where;
    int count;
    int first;
  };
  std::vector<Group> groups;
  for (const Lane& lane : lanes_) {
    std::string where = describe(lane);
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.where == where; });
    if (group == groups.end()) {
      groups.push_back({std::move(where), 1, lane.number});
    } else {
      ++group->count;
    }
  }
  std::string text = fmt::format("{} in {}: ", what, block_name());
  for (const Group& group : groups) {
    text += fmt::format("{}{} of {} threads {} (first: thread {})", &group == groups.data() ? "" : "; ", group.count,
                        lanes_.size(), group.where, group.first);
  }
  throw CudaError(text);
}

// ---- fibers

void Machine::fiber_main() {
  Fiber::announce_start();
  // Never ends: the fiber of a lane that has exited serves another one. A plain endless loop would tell the address
  // sanitizer that this function does not return, and it would then clear the shadow of the wrong stack.
  while (current_machine != nullptr) {
    Machine& machine = *current_machine;
    machine.launch_->invoke(machine.launch_->closure);
    machine.finish_lane();
  }
}

Lane* Machine::next_runnable() {
  while (cursor_ < pass_end_) {
    Lane& lane = lanes_[size_t(lane_order_[cursor_++])];
    if (lane.state == Lane::State::ready || lane.state == Lane::State::fresh) {
      lane.state = Lane::State::running;
      return &lane;
    }
  }
  return nullptr;
}

Fiber& Machine::fiber_of(Lane& lane) {
  if (lane.fiber == nullptr) {
    if (free_fibers_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>(&Machine::fiber_main, int(fibers_.size())));
      free_fibers_.push_back(fibers_.back().get());
    }
    lane.fiber = free_fibers_.back();
    free_fibers_.pop_back();
  }
  return *lane.fiber;
}

// The running lane has to wait: goes on with the next one of this pass, or with the scheduler after the last.
void Machine::leave(Lane& lane) {
  current_lane = next_runnable();
  Fiber::switch_to(*lane.fiber, current_lane != nullptr ? fiber_of(*current_lane) : home_);
}

void Machine::finish_lane() {
  Lane& lane = *current_lane;
  lane.state = Lane::State::exited;
  --alive_;
  Fiber& fiber = *std::exchange(lane.fiber, nullptr);
  if (lane.open_copies != 0) [[unlikely]] {
    lane.fiber = &fiber;
    abandon(
        fmt::format("thread {} of {} exited without waiting for its asynchronous copies", lane.number, block_name()));
  }
  current_lane = next_runnable();
  if (current_lane != nullptr && current_lane->fiber == nullptr) {
    current_lane->fiber = &fiber;  // a fresh lane: no switch at all
    return;
  }
  free_fibers_.push_back(&fiber);
  Fiber::switch_to(fiber, current_lane != nullptr ? *current_lane->fiber : home_);
}

void Machine::abandon(std::string complaint) {
  complaint_ = std::move(complaint);
  Fiber& fiber = *current_lane->fiber;
  current_lane = nullptr;
  Fiber::switch_to(fiber, home_);
  __builtin_unreachable();
}

void Machine::reset_fibers() {
  free_fibers_.clear();
  for (const auto& fiber : fibers_) {
    fiber->restart();
    free_fibers_.push_back(fiber.get());
  }
}

// ---- scheduling

void Machine::begin_block(const Launch& launch, int64_t number) {
  launch_ = &launch;
  const auto grid = launch.grid;
  block_.dim = launch.block;
  block_.grid = grid;
  block_.number = number;
  block_.index = {unsigned(number % grid.x), unsigned(number / grid.x % grid.y),
                  unsigned(number / (int64_t(grid.x) * grid.y))};
  const auto dim = launch.block;
  lanes_.resize(size_t(dim.x) * dim.y * dim.z);
  alive_ = int(lanes_.size());
  uint3 index{0, 0, 0};
  for (int i = 0; i < alive_; ++i) {
    Lane& lane = lanes_[size_t(i)];
    lane.index = index;
    lane.number = i;
    lane.state = Lane::State::fresh;
    lane.fiber = nullptr;
    lane.open_copies = 0;
    lane.committed_groups = 0;
    if (++index.x == dim.x) {
      index.x = 0;
      if (++index.y == dim.y) {
        index.y = 0;
        ++index.z;
      }
    }
  }
  set_order(number);
  shared_.clear();
  if (observer != nullptr) {
    observer->block_begins(*this);
  }
  block_.dynamic_shared = nullptr;
  if (launch.shared_bytes > 0) {
    block_.dynamic_shared = shared_.add(kDynamicShared, launch.shared_bytes).data;
  }
}

void Machine::set_order(int64_t number) {
  const auto order = options().order;
  const size_t warps = (lanes_.size() + kWarpSize - 1) / kWarpSize;
  random_ = (options().seed + uint32_t(number) + 1) * 2654435761U | 1U;
  if (order == order_ && lane_order_.size() == lanes_.size() && order != LaneOrder::shuffled) {
    return;
  }
  order_ = order;
  warp_order_.resize(warps);
  lane_order_.resize(lanes_.size());
  const bool backward = order == LaneOrder::backward;
  for (size_t w = 0; w < warps; ++w) {
    warp_order_[w] = int(backward ? warps - 1 - w : w);
    const size_t begin = w * kWarpSize;
    const size_t end = std::min(begin + kWarpSize, lanes_.size());
    for (size_t i = begin; i < end; ++i) {
      lane_order_[i] = int(backward ? begin + end - 1 - i : i);
    }
  }
}

void Machine::shuffle(std::vector<int>& numbers, size_t begin, size_t end) {
  for (size_t i = end - 1; i > begin; --i) {
    random_ = random_ * 1664525U + 1013904223U;
    std::swap(numbers[i], numbers[begin + (random_ >> 8) % (i - begin + 1)]);
  }
}

void Machine::run_block(const Launch& launch, int64_t number) {
  begin_block(launch, number);
  try {
    while (alive_ > 0) {
      if (order_ == LaneOrder::shuffled) {
        shuffle(warp_order_, 0, warp_order_.size());
      }
      for (const int warp : warp_order_) {
        run_warp(warp);
      }
      if (alive_ > 0) {
        pass_barrier();
      }
    }
  } catch (...) {
    reset_fibers();
    throw;
  }
  if (observer != nullptr) {
    observer->block_ends();
  }
}

// Runs a warp until each of its lanes has exited or waits for other warps.
void Machine::run_warp(int warp) {
  const size_t begin = size_t(warp) * kWarpSize;
  const size_t end = std::min(begin + kWarpSize, lanes_.size());
  do {
    if (order_ == LaneOrder::shuffled) {
      shuffle(lane_order_, begin, end);
    }
    cursor_ = begin;
    pass_end_ = end;
    current_lane = next_runnable();
    if (current_lane == nullptr) {
      return;
    }
    Fiber::switch_to(home_, fiber_of(*current_lane));
    if (!complaint_.empty()) {
      throw CudaError(std::exchange(complaint_, {}));
    }
  } while (complete_warp_ops(warp));
}

bool Machine::complete_warp_ops(int warp) {
  const size_t begin = size_t(warp) * kWarpSize;
  const size_t end = std::min(begin + kWarpSize, lanes_.size());
  bool any = false;
  for (size_t i = begin; i < end; ++i) {
    if (lanes_[i].state == Lane::State::at_warp_op) {
      any = complete_warp_op(warp, lanes_[i]) || any;
    }
  }
  return any;
}

// Lets the lanes of the mask of `first` pass if all of them have arrived.
bool Machine::complete_warp_op(int warp, const Lane& first) {
  const size_t begin = size_t(warp) * kWarpSize;
  const uint32_t mask = first.mask;
  if ((mask >> (size_t(first.number) - begin) & 1U) == 0) {
    fail("a lane calls a warp operation with a mask that lacks the lane itself");
  }
  void* operands[kWarpSize] = {};
  for (size_t i = 0; i < size_t(kWarpSize); ++i) {
    if ((mask >> i & 1U) == 0) {
      continue;
    }
    if (begin + i >= lanes_.size()) {
      fail("the mask of a warp operation names lanes beyond the end of the block");
    }
    const Lane& lane = lanes_[begin + i];
    if (lane.state == Lane::State::exited) {
      fail("the mask of a warp operation names a lane that has exited");
    }
    if (lane.state != Lane::State::at_warp_op || lane.mask != mask) {
      return false;
    }
    if (lane.op != first.op || !same_site(lane.site, first.site)) {
      fail("divergent warp operation: lanes of one mask are at different ones");
    }
    operands[i] = lane.operand;
  }
  if (const char* complaint = first.op->run(operands, mask); complaint != nullptr) {
    fail(complaint);
  }
  for (size_t i = 0; i < size_t(kWarpSize); ++i) {
    if ((mask >> i & 1U) != 0) {
      lanes_[begin + i].state = Lane::State::ready;
    }
  }
  if (observer != nullptr) {
    observer->warp_passed(warp, mask);
  }
  return true;
}

// Every lane has exited or waits for something that its warp alone cannot give.
void Machine::pass_barrier() {
  const Lane* first = nullptr;
  bool same = true;
  for (const Lane& lane : lanes_) {
    if (lane.state == Lane::State::at_warp_op) {
      fail("a warp operation waits for lanes that never reach it");
    }
    if (lane.state == Lane::State::at_barrier) {
      first = first == nullptr ? &lane : first;
      same = same && same_site(lane.site, first->site);
    }
  }
  if (!same) {
    fail("divergent barrier: threads wait at different ones");
  }
  if (alive_ != int(lanes_.size())) {
    fail("early exit: threads left the kernel while others wait at a barrier");
  }
  for (Lane& lane : lanes_) {
    lane.state = Lane::State::ready;
  }
  if (observer != nullptr) {
    observer->barrier_passed();
  }
}

// ---- called by lanes

void Machine::wait_at_barrier(const std::source_location& site) {
  Lane& lane = *current_lane;
  lane.site = site;
  lane.state = Lane::State::at_barrier;
  leave(lane);
}

void Machine::wait_at_warp_op(const WarpOp& op, uint32_t mask, void* operand, const std::source_location& site) {
  Lane& lane = *current_lane;
  lane.site = site;
  lane.op = &op;
  lane.mask = mask;
  lane.operand = operand;
  lane.state = Lane::State::at_warp_op;
  leave(lane);
}

void* Machine::shared_array(const SharedTag& tag, int64_t bytes) {
  if (const auto* array = shared_.find(tag); array != nullptr) {
    return array->data;
  }
  if (shared_.used_bytes() + bytes > kMaxSharedBytes ||
      shared_.used_bytes() - launch_->shared_bytes + bytes > kMaxStaticSharedBytes) {
    abandon(fmt::format(
        "shared arrays of {} take {} bytes with {}, the limits are {} static and {} in all ({} dynamic)", block_name(),
        shared_.used_bytes() + bytes, tag.name, kMaxStaticSharedBytes, kMaxSharedBytes, launch_->shared_bytes));
  }
  return shared_.add(tag, bytes).data;
}

// The dialect's atomic operations order everything around them as it is; only a checker needs to know of fences.
void Machine::fence() {
  if (observer != nullptr) {
    observer->fence();
  }
}

void Machine::queue_copy(AsyncCopy copy) {
  Lane& lane = *current_lane;
  copy.group = lane.committed_groups;
  copies_.resize(lanes_.size());
  auto& copies = copies_[size_t(lane.number)];
  copies.resize(size_t(lane.open_copies++));  // without those of a block that failed
  copies.push_back(copy);
  if (observer != nullptr) {
    observer->async_copy_begins(copy);
  }
}

void Machine::commit_copies() { ++current_lane->committed_groups; }

// Copies are made as late as they may be, so that reading before the wait finds what was there before.
void Machine::wait_for_copies(int open_groups) {
  Lane& lane = *current_lane;
  if (lane.open_copies == 0) {
    return;
  }
  auto& copies = copies_[size_t(lane.number)];
  const int last = lane.committed_groups - open_groups;
  const auto still_open =
      std::find_if(copies.begin(), copies.end(), [&](const auto& copy) { return copy.group >= last; });
  for (auto copy = copies.begin(); copy != still_open; ++copy) {
    std::memcpy(copy->shared, copy->global, size_t(copy->valid_bytes));
    std::memset(static_cast<std::byte*>(copy->shared) + copy->valid_bytes, 0, size_t(copy->bytes - copy->valid_bytes));
    if (observer != nullptr) {
      observer->async_copy_ends(*copy);
    }
  }
  copies.erase(copies.begin(), still_open);
  lane.open_copies = int(copies.size());
}

}  // namespace lv::simt
