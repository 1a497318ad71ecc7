#pragma once

#include <cstdint>
#include <cstring>

// memcpy and memset for short rows, whose length is mostly a multiple of a cache line: without a call.

namespace lv::kernels::cpu::LV_ISA {

inline void copy_bytes(void* to, const void* from, int64_t bytes) {
  constexpr int64_t kLine = 64;
  auto* y = static_cast<char*>(to);
  const auto* x = static_cast<const char*>(from);
  for (; bytes >= kLine; bytes -= kLine, x += kLine, y += kLine) {
    std::memcpy(y, x, kLine);
  }
  if (bytes > 0) {
    std::memcpy(y, x, size_t(bytes));
  }
}

inline void clear_bytes(void* to, int64_t bytes) {
  constexpr int64_t kLine = 64;
  auto* y = static_cast<char*>(to);
  for (; bytes >= kLine; bytes -= kLine, y += kLine) {
    std::memset(y, 0, kLine);
  }
  if (bytes > 0) {
    std::memset(y, 0, size_t(bytes));
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
