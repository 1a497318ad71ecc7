#pragma once

#include <cstddef>
#include <new>

namespace lv::kernels::cpu::LV_ISA {

/// Memory of the calling thread that outlives the call: for packed operands of a bounded size. Each purpose (Tag) has
/// its own.
template <class Tag, class T>
T* thread_scratch(size_t count) {
  struct Buffer {
    void* data = nullptr;
    size_t bytes = 0;
    Buffer() = default;
    ~Buffer() { ::operator delete(data, std::align_val_t(64)); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
  };
  thread_local Buffer buffer;
  if (buffer.bytes < count * sizeof(T)) {
    ::operator delete(buffer.data, std::align_val_t(64));
    buffer.data = nullptr;
    buffer.bytes = 0;
    buffer.data = ::operator new(count * sizeof(T), std::align_val_t(64));
    buffer.bytes = count * sizeof(T);
  }
  return static_cast<T*>(buffer.data);
}

}  // namespace lv::kernels::cpu::LV_ISA
