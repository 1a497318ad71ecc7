#pragma once
// What is remembered of each byte that kernels access.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/simt/checker/happens_before.h"

namespace lv::simt {

struct ByteHistory {
  Moment write;
  bool atomic = false;  // the last write was one
  Readers reads;
  const void* write_pc = nullptr;
  const void* read_pc = nullptr;
};

/// The histories of a range of memory; only parts that are touched take space.
class Shadow {
 public:
  explicit Shadow(int64_t bytes) : pages_(size_t((bytes + kPageBytes - 1) / kPageBytes)) {}

  ByteHistory& at(int64_t offset) {
    auto& page = pages_[size_t(offset / kPageBytes)];
    if (page == nullptr) {
      page = std::make_unique<ByteHistory[]>(size_t{kPageBytes});
    }
    return page[size_t(offset % kPageBytes)];
  }

 private:
  static constexpr int64_t kPageBytes = 512;

  std::vector<std::unique_ptr<ByteHistory[]>> pages_;
};

/// A range of global memory.
struct Region {
  const std::byte* begin;
  int64_t bytes;
  std::string name;
  Shadow shadow;
};

}  // namespace lv::simt
