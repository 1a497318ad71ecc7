#pragma once
// Shared memory of one emulated block.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lv::simt {

/// Identifies the declaration of a shared array, by its address.
struct SharedTag {
  const char* name;
};

/// What an architecture with 164 KiB of shared memory (sm_80) leaves to one block. Static arrays may take 48 KiB of it.
constexpr int64_t kMaxSharedBytes = 163 << 10;
constexpr int64_t kMaxStaticSharedBytes = 48 << 10;

/// Hands out the shared arrays of a block. Contents start as NaN bytes; between arrays lie gaps that the address
/// sanitizer knows to be out of bounds.
class SharedMemory {
 public:
  struct Array {
    const SharedTag* tag;
    std::byte* data;
    int64_t bytes;
  };

  /// Room for the gaps behind some hundred arrays.
  static constexpr int64_t kMemoryBytes = kMaxSharedBytes + (32 << 10);

  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// Forgets every array: a new block begins.
  void clear();
  /// The array declared at `tag`, or nullptr when this block has not reached the declaration yet.
  [[nodiscard]] const Array* find(const SharedTag& tag) const;
  /// Makes the array of `tag`, aligned to 16 bytes and not more.
  const Array& add(const SharedTag& tag, int64_t bytes);
  /// Bytes of all arrays.
  [[nodiscard]] int64_t used_bytes() const { return used_bytes_; }

  [[nodiscard]] const std::vector<Array>& arrays() const { return arrays_; }
  /// Whether `p` lies in the memory that arrays are cut from, gaps included.
  [[nodiscard]] bool contains(const void* p) const { return p >= memory_ && p < memory_ + kMemoryBytes; }
  [[nodiscard]] const std::byte* memory() const { return memory_; }

 private:
  std::byte* memory_;
  size_t end_ = 0;  // of the last array and its gap
  int64_t used_bytes_ = 0;
  std::vector<Array> arrays_;
};

}  // namespace lv::simt
