#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/allocator.h"

namespace lv {

/// Finds misuse of memory: guard bytes around every allocation are checked at release, fresh memory is filled with 0xFF
/// (NaN in every floating dtype, -1 in integers), released memory is filled with it again and kept out of use for a
/// while, so that reads after release give NaN and writes are noticed. Damage ends the program with a text that names
/// the op which allocated the memory. Under the address sanitizer guards and released host memory are poisoned too: the
/// access itself is reported.
class DebugAllocator final : public Allocator {
 public:
  /// host_memory: the host can access what `inner` gives out.
  DebugAllocator(std::unique_ptr<Allocator> inner, bool host_memory);
  ~DebugAllocator() override;
  DebugAllocator(const DebugAllocator&) = delete;
  DebugAllocator& operator=(const DebugAllocator&) = delete;

  [[nodiscard]] void* allocate(int64_t bytes, Stream stream) override;
  void release(void* p) noexcept override;
  void record_use(void* p, Stream stream) override;
  /// Also checks and frees the released memory that is kept out of use.
  void trim() override;
  /// Bytes as asked for; reserved bytes include guards and what is kept out of use.
  [[nodiscard]] AllocatorStats stats() const override;
  void reset_peak() override;

  /// What is wrong with the guards of the live allocation `p`, for example
  /// "memory allocated by conv2d: something wrote behind its 256 bytes, at offset 260"; empty when nothing is.
  [[nodiscard]] std::string damage(const void* p) const;
  /// Throws Error with the first damage among all live and kept allocations.
  void check_all();

 private:
  struct Entry {
    std::byte* base;
    int64_t bytes;
    Stream stream;
    std::string_view op;
    std::vector<Stream> uses;
  };

  void fill(std::byte* p, int value, int64_t bytes, Stream stream) const;
  [[nodiscard]] int64_t first_difference(const std::byte* p, int value, int64_t bytes, Stream stream) const;
  [[nodiscard]] std::string guard_damage(const Entry& entry) const;
  [[nodiscard]] std::string poison_damage(const Entry& entry) const;
  static std::string damage_text(const Entry& entry, std::string_view where, int64_t offset);
  void drop_oldest();
  const Entry& find(const void* p, const char* call) const;

  const std::unique_ptr<Allocator> inner_;
  const bool host_memory_;
  mutable std::mutex mutex_;
  std::unordered_map<const void*, Entry> live_;
  std::deque<Entry> released_;
  int64_t released_bytes_ = 0;
  AllocatorStats stats_;
};

}  // namespace lv
