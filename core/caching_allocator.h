#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/allocator.h"

namespace lv {

/// A mark in a stream, as far as an allocator cares.
class Fence {
 public:
  virtual ~Fence() = default;
  [[nodiscard]] virtual bool passed() = 0;
  virtual void wait() = 0;
};

/// Memory as the system hands it out: slow and without reuse.
class RawAllocator {
 public:
  virtual ~RawAllocator() = default;
  /// nullptr when there is not enough.
  [[nodiscard]] virtual void* allocate(int64_t bytes) = 0;
  virtual void free(void* p) noexcept = 0;
  /// A mark behind everything queued on `stream` so far; nullptr when its work runs at once.
  [[nodiscard]] virtual std::unique_ptr<Fence> fence(Stream stream) = 0;
};

/// Keeps released memory for reuse. Segments come from the raw allocator (2 MiB for blocks up to 1 MiB, 20 MiB up to
/// 10 MiB, else the size rounded up to 2 MiB) and are split into blocks; free neighbours merge. Each stream has its own
/// pool, because the order of a stream is what makes reuse before completion safe.
///
/// Note [Two levels of reuse]: a released block of at most 16 KiB goes unmerged to a bin of its exact size, where the
/// next allocation of that size finds it without a search. Bins are emptied into the searched level before a new
/// segment is reserved, so they cannot cause growth.
class CachingAllocator final : public Allocator {
 public:
  struct Options {
    std::string name;       ///< of the memory, for messages
    int64_t granule = 512;  ///< sizes are rounded up to it; a power of two
    /// At least so much is reserved at once for blocks above 1 MiB. Neighbours within a segment merge when they are
    /// free, so that what small arrays leave serves large ones; on the host, pages that were never written cost
    /// nothing.
    int64_t least_large_segment = 0;
    bool host_access =
        false;  ///< the host uses the memory without waiting for streams: one pool, fences for every stream
  };

  CachingAllocator(std::unique_ptr<RawAllocator> raw, Options options);
  ~CachingAllocator() override;
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  [[nodiscard]] void* allocate(int64_t bytes, Stream stream) override;
  void release(void* p) noexcept override;
  void record_use(void* p, Stream stream) override;
  void trim() override;
  [[nodiscard]] AllocatorStats stats() const override;
  void reset_peak() override;

 private:
  enum class State : uint8_t { free, binned, live, pending };
  struct Pool;
  struct Block {
    std::byte* data = nullptr;
    int64_t size = 0;
    int64_t requested = 0;
    Block* previous = nullptr;  // neighbours within the segment
    Block* next = nullptr;
    Pool* pool = nullptr;
    State state = State::free;
    bool small = false;  // cut from a segment for small blocks
    std::string_view op;
    std::vector<Stream> uses;  // streams other than the pool's with queued work on the block
  };
  struct BySize {
    bool operator()(const Block* a, const Block* b) const {
      return a->size != b->size ? a->size < b->size : a->data < b->data;
    }
  };
  using FreeBlocks = std::set<Block*, BySize>;
  struct Pool {
    Stream stream;
    FreeBlocks small;
    FreeBlocks large;
    std::vector<std::vector<Block*>> bins;

    FreeBlocks& free_blocks(bool is_small) { return is_small ? small : large; }
  };
  struct Pending {
    Block* block;
    std::vector<std::unique_ptr<Fence>> fences;
  };

  Pool& pool_of(Stream stream);
  Block* take_block(Pool& pool, int64_t size);
  Block* find_free(Pool& pool, int64_t size);
  Block* reserve_segment(Pool& pool, int64_t size);
  void* reserve_raw(int64_t bytes);
  void split(Block* block, int64_t size);
  void put_back(Block* block);
  void merge_with_next(Block* block);
  void retire(Block* block);
  void poll_pending(bool wait);
  void empty_bins(Pool& pool);
  void free_idle_segments();
  [[nodiscard]] Block* largest_idle_segment();
  void free_segment(Block* block);
  void limit_cache(int64_t coming_bytes);
  Block* new_block();
  void delete_block(Block* block);
  Block* find_live(const void* p, const char* call);
  [[nodiscard]] std::string out_of_memory_text(int64_t requested, Stream stream) const;

  const std::unique_ptr<RawAllocator> raw_;
  const Options options_;
  mutable std::mutex mutex_;
  std::deque<Pool> pools_;                         // few; addresses are kept in blocks
  std::unordered_map<const void*, Block*> taken_;  // live, binned and pending blocks by address
  std::deque<Block> block_storage_;
  std::vector<Block*> spare_blocks_;
  std::vector<Pending> pending_;
  AllocatorStats stats_;
  int64_t highest_allocated_ = 0;  // since the start, in block sizes
  int64_t block_bytes_ = 0;        // in live and pending blocks
};

}  // namespace lv
