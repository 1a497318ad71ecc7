#pragma once

#include <array>
#include <string>
#include <utility>

#include "bench/case.h"

namespace lv::bench {

/// What this machine can do at most, measured with num_threads() threads: multiply-adds in registers, and copies of
/// several sizes, since a small working set stays in a cache.
struct Limits {
  struct Copy {
    double bytes = 0;             // read and written together
    double bytes_per_second = 0;  // the faster of plain and non-temporal stores
  };
  std::string isa;  // of the multiply-adds: AVX2, AVX-512, AVX-512 BF16
  double fp32_flops_per_second = 0;
  double bf16_flops_per_second = 0;  // that of fp32 where the processor has no bf16 product
  std::vector<Copy> copies;          // by size

  /// Of the largest measured copy that is not larger than a working set, or of the smallest one.
  [[nodiscard]] double bytes_per_second(double bytes) const;
  /// The least time that work of this cost can take.
  [[nodiscard]] double seconds(const specs::Cost& cost, DType dtype) const;
};

/// Takes about a second.
Limits measure_limits();

}  // namespace lv::bench
