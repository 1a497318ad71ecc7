#include "kernels/simt/shared_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, bytes) (static_cast<void>(p), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(p, bytes) (static_cast<void>(p), static_cast<void>(bytes))
#endif

namespace lv::simt {
namespace {

constexpr size_t kGapBytes = 64;

}  // namespace

SharedMemory::SharedMemory() : memory_(static_cast<std::byte*>(std::aligned_alloc(256, kMemoryBytes))) {
  if (memory_ == nullptr) {
    throw std::bad_alloc();
  }
  ASAN_POISON_MEMORY_REGION(memory_, kMemoryBytes);
}

SharedMemory::~SharedMemory() {
  ASAN_UNPOISON_MEMORY_REGION(memory_, kMemoryBytes);
  std::free(memory_);
}

void SharedMemory::clear() {
  ASAN_POISON_MEMORY_REGION(memory_, end_);
  end_ = 0;
  used_bytes_ = 0;
  arrays_.clear();
}

const SharedMemory::Array* SharedMemory::find(const SharedTag& tag) const {
  for (const Array& array : arrays_) {
    if (array.tag == &tag) {
      return &array;
    }
  }
  return nullptr;
}

const SharedMemory::Array& SharedMemory::add(const SharedTag& tag, int64_t bytes) {
  // An odd multiple of 16, so that code which counts on more than the promised alignment is seen to.
  const size_t start = ((end_ + 31) & ~size_t{31}) + 16;
  if (start + size_t(bytes) + kGapBytes > size_t{kMemoryBytes}) {
    throw std::bad_alloc();
  }
  std::byte* data = memory_ + start;
  ASAN_UNPOISON_MEMORY_REGION(data, size_t(bytes));
  std::memset(data, 0xff, size_t(bytes));
  end_ = start + size_t(bytes) + kGapBytes;
  used_bytes_ += bytes;
  return arrays_.emplace_back(Array{&tag, data, bytes});
}

}  // namespace lv::simt
