#include "core/caching_allocator.h"

#include <algorithm>
#include <utility>

#include "core/op_hook.h"

namespace lv {
namespace {

constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;
constexpr int64_t kBinnedBytes = 16 * kKiB;
constexpr int64_t kSmallBytes = kMiB;
constexpr int64_t kSmallSegment = 2 * kMiB;
constexpr int64_t kMediumBytes = 10 * kMiB;
constexpr int64_t kMediumSegment = 20 * kMiB;
constexpr int64_t kLargeGranule = 2 * kMiB;
constexpr int64_t kMinCache = 32 * kMiB;
constexpr int64_t kMaxBytes = int64_t{1} << 48;
constexpr size_t kListedAllocations = 10;

constexpr int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

constexpr int64_t segment_bytes(int64_t size, int64_t least_large) {
  if (size <= kSmallBytes) {
    return kSmallSegment;
  }
  return std::max(least_large, size <= kMediumBytes ? kMediumSegment : round_up(size, kLargeGranule));
}

std::string mebibytes(int64_t bytes) { return fmt::format("{:.1f} MiB", double(bytes) / double(kMiB)); }

}  // namespace

CachingAllocator::CachingAllocator(std::unique_ptr<RawAllocator> raw, Options options)
    : raw_(std::move(raw)), options_(std::move(options)) {}

CachingAllocator::~CachingAllocator() {
  for (const Block& block : block_storage_) {
    if (block.data != nullptr && block.previous == nullptr) {
      raw_->free(block.data);
    }
  }
}

void* CachingAllocator::allocate(int64_t bytes, Stream stream) {
  LV_CHECK(bytes >= 0, "{} memory: cannot allocate {} bytes", options_.name, bytes);
  LV_CHECK_AS(OutOfMemoryError, bytes <= kMaxBytes, "{} memory: cannot allocate {} bytes", options_.name, bytes);
  const int64_t size = round_up(std::max<int64_t>(bytes, 1), options_.granule);
  const std::lock_guard lock(mutex_);
  if (!pending_.empty()) {
    poll_pending(false);
  }
  Block* block = take_block(pool_of(stream), size);
  if (block == nullptr) {
    fail<OutOfMemoryError>("{}", out_of_memory_text(bytes, stream));
  }
  block->state = State::live;
  block->requested = bytes;
  block->op = current_op();
  if (options_.host_access && stream.device.is_cuda()) {
    block->uses.push_back(stream);
  }
  block_bytes_ += block->size;
  highest_allocated_ = std::max(highest_allocated_, block_bytes_);
  ++stats_.allocation_count;
  stats_.allocated_bytes += bytes;
  stats_.peak_allocated_bytes = std::max(stats_.peak_allocated_bytes, stats_.allocated_bytes);
  return block->data;
}

void CachingAllocator::release(void* p) noexcept {
  if (p == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  Block* block = find_live(p, "release");  // a foreign pointer ends the program here, with this text
  stats_.allocated_bytes -= block->requested;
  if (!block->uses.empty()) {
    block->state = State::pending;
    retire(block);
    return;
  }
  block_bytes_ -= block->size;
  if (block->size <= kBinnedBytes) {
    block->state = State::binned;
    block->pool->bins[size_t(block->size / options_.granule)].push_back(block);
  } else {
    put_back(block);
  }
}

void CachingAllocator::record_use(void* p, Stream stream) {
  if (p == nullptr || stream.device.is_cpu()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  Block* block = find_live(p, "record_use");
  const bool ordered = stream == block->pool->stream;
  if (!ordered && std::find(block->uses.begin(), block->uses.end(), stream) == block->uses.end()) {
    block->uses.push_back(stream);
  }
}

void CachingAllocator::trim() {
  const std::lock_guard lock(mutex_);
  poll_pending(false);
  free_idle_segments();
}

AllocatorStats CachingAllocator::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak_allocated_bytes = stats_.allocated_bytes;
  stats_.peak_reserved_bytes = stats_.reserved_bytes;
}

CachingAllocator::Pool& CachingAllocator::pool_of(Stream stream) {
  if (options_.host_access) {
    stream = {};
  }
  for (Pool& pool : pools_) {
    if (pool.stream == stream) {
      return pool;
    }
  }
  Pool& pool = pools_.emplace_back();
  pool.stream = stream;
  pool.bins.resize(size_t(kBinnedBytes / options_.granule + 1));
  return pool;
}

CachingAllocator::Block* CachingAllocator::take_block(Pool& pool, int64_t size) {
  if (size <= kBinnedBytes) {
    auto& bin = pool.bins[size_t(size / options_.granule)];
    if (!bin.empty()) {
      Block* block = bin.back();
      bin.pop_back();
      return block;
    }
  }
  Block* block = find_free(pool, size);
  if (block == nullptr) {
    empty_bins(pool);
    block = find_free(pool, size);
  }
  if (block == nullptr) {
    block = reserve_segment(pool, size);
  }
  if (block != nullptr) {
    split(block, size);
    taken_.emplace(block->data, block);
  }
  return block;
}

/// The smallest free block of at least `size`, taken out of its set.
CachingAllocator::Block* CachingAllocator::find_free(Pool& pool, int64_t size) {
  FreeBlocks& blocks = pool.free_blocks(size <= kSmallBytes);
  Block wanted;
  wanted.size = size;
  const auto best = blocks.lower_bound(&wanted);
  if (best == blocks.end()) {
    return nullptr;
  }
  Block* block = *best;
  blocks.erase(best);
  return block;
}

CachingAllocator::Block* CachingAllocator::reserve_segment(Pool& pool, int64_t size) {
  const int64_t bytes = segment_bytes(size, options_.least_large_segment);
  limit_cache(bytes);
  void* data = reserve_raw(bytes);
  if (data == nullptr) {
    return nullptr;
  }
  Block* block = new_block();
  block->data = static_cast<std::byte*>(data);
  block->size = bytes;
  block->pool = &pool;
  block->small = size <= kSmallBytes;
  stats_.reserved_bytes += bytes;
  stats_.peak_reserved_bytes = std::max(stats_.peak_reserved_bytes, stats_.reserved_bytes);
  return block;
}

/// Asks the raw allocator; on failure gives the whole cache back and asks again.
void* CachingAllocator::reserve_raw(int64_t bytes) {
  ++stats_.raw_allocation_count;
  if (void* data = raw_->allocate(bytes)) {
    return data;
  }
  poll_pending(true);
  free_idle_segments();
  return raw_->allocate(bytes);
}

/// Note [Bounded cache]: inputs whose sizes change from step to step leave behind segments that fit nothing any more.
/// Before memory grows, idle segments are given back until all that is held is at most 1/6 above the highest demand so
/// far.
void CachingAllocator::limit_cache(int64_t coming_bytes) {
  const int64_t demand = std::max(highest_allocated_, block_bytes_ + coming_bytes);
  while (stats_.reserved_bytes + coming_bytes > demand + std::max(demand / 6, kMinCache)) {
    Block* idle = largest_idle_segment();
    if (idle == nullptr) {
      return;
    }
    free_segment(idle);
  }
}

/// Cuts a block down to `size`; the rest becomes a free block.
void CachingAllocator::split(Block* block, int64_t size) {
  const int64_t rest_size = block->size - size;
  if (rest_size < options_.granule) {
    return;
  }
  Block* rest = new_block();
  rest->data = block->data + size;
  rest->size = rest_size;
  rest->pool = block->pool;
  rest->small = block->small;
  rest->previous = block;
  rest->next = block->next;
  if (rest->next != nullptr) {
    rest->next->previous = rest;
  }
  block->next = rest;
  block->size = size;
  block->pool->free_blocks(block->small).insert(rest);
}

/// Makes a block free, merged with free neighbours.
void CachingAllocator::put_back(Block* block) {
  taken_.erase(block->data);
  block->state = State::free;
  FreeBlocks& blocks = block->pool->free_blocks(block->small);
  if (block->next != nullptr && block->next->state == State::free) {
    blocks.erase(block->next);
    merge_with_next(block);
  }
  if (block->previous != nullptr && block->previous->state == State::free) {
    block = block->previous;
    blocks.erase(block);
    merge_with_next(block);
  }
  blocks.insert(block);
}

void CachingAllocator::merge_with_next(Block* block) {
  Block* next = block->next;
  block->size += next->size;
  block->next = next->next;
  if (block->next != nullptr) {
    block->next->previous = block;
  }
  delete_block(next);
}

/// Puts a block aside until the work of other streams on it is done.
void CachingAllocator::retire(Block* block) {
  Pending pending{block, {}};
  try {
    for (const Stream stream : block->uses) {
      if (auto fence = raw_->fence(stream)) {
        pending.fences.push_back(std::move(fence));
      }
    }
  } catch (const Error&) {
    return;  // the device has failed, which its next call reports; a block that may be in use is never given out again
  }
  block->uses.clear();
  pending_.push_back(std::move(pending));
}

void CachingAllocator::poll_pending(bool wait) {
  std::erase_if(pending_, [&](Pending& pending) {
    const bool done = std::all_of(pending.fences.begin(), pending.fences.end(), [&](const auto& fence) {
      if (wait) {
        fence->wait();
      }
      return wait || fence->passed();
    });
    if (done) {
      block_bytes_ -= pending.block->size;
      put_back(pending.block);
    }
    return done;
  });
}

void CachingAllocator::empty_bins(Pool& pool) {
  for (auto& bin : pool.bins) {
    for (Block* block : bin) {
      put_back(block);
    }
    bin.clear();
  }
}

void CachingAllocator::free_idle_segments() {
  for (Pool& pool : pools_) {
    empty_bins(pool);
  }
  while (Block* idle = largest_idle_segment()) {
    free_segment(idle);
  }
}

/// The largest segment without a block in use; nullptr when there is none.
CachingAllocator::Block* CachingAllocator::largest_idle_segment() {
  Block* largest = nullptr;
  for (Pool& pool : pools_) {
    for (const FreeBlocks* blocks : {&pool.small, &pool.large}) {
      const auto idle = std::find_if(blocks->rbegin(), blocks->rend(),
                                     [](const Block* b) { return b->previous == nullptr && b->next == nullptr; });
      if (idle != blocks->rend() && (largest == nullptr || (*idle)->size > largest->size)) {
        largest = *idle;
      }
    }
  }
  return largest;
}

void CachingAllocator::free_segment(Block* block) {
  block->pool->free_blocks(block->small).erase(block);
  stats_.reserved_bytes -= block->size;
  raw_->free(block->data);
  delete_block(block);
}

CachingAllocator::Block* CachingAllocator::new_block() {
  if (spare_blocks_.empty()) {
    return &block_storage_.emplace_back();
  }
  Block* block = spare_blocks_.back();
  spare_blocks_.pop_back();
  return block;
}

void CachingAllocator::delete_block(Block* block) {
  *block = Block{};
  spare_blocks_.push_back(block);
}

CachingAllocator::Block* CachingAllocator::find_live(const void* p, const char* call) {
  const auto found = taken_.find(p);
  LV_CHECK(found != taken_.end() && found->second->state == State::live,
           "{} memory: {} of {}, which is not a live allocation", options_.name, call, p);
  return found->second;
}

std::string CachingAllocator::out_of_memory_text(int64_t requested, Stream stream) const {
  std::vector<const Block*> live;
  for (const auto& [address, block] : taken_) {
    if (block->state == State::live) {
      live.push_back(block);
    }
  }
  const size_t listed = std::min(kListedAllocations, live.size());
  std::partial_sort(live.begin(), live.begin() + ptrdiff_t(listed), live.end(), [](const Block* a, const Block* b) {
    return a->requested != b->requested ? a->requested > b->requested : a->data < b->data;
  });
  int64_t largest_free = 0;
  for (const Pool& pool : pools_) {
    for (const FreeBlocks* blocks : {&pool.small, &pool.large}) {
      largest_free = std::max(largest_free, blocks->empty() ? 0 : (*blocks->rbegin())->size);
    }
  }
  const std::string_view op = current_op();
  std::string text = fmt::format("{}out of {} memory: {} asked for on {}; {} in use, {} cached, largest free block {}",
                                 op.empty() ? "" : fmt::format("{}: ", op), options_.name, mebibytes(requested),
                                 stream.device, mebibytes(stats_.allocated_bytes),
                                 mebibytes(stats_.reserved_bytes - stats_.allocated_bytes), mebibytes(largest_free));
  for (size_t i = 0; i < listed; ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "; largest allocations: " : ", ", mebibytes(live[i]->requested),
                        live[i]->op.empty() ? "(no op)" : live[i]->op);
  }
  return text;
}

}  // namespace lv
