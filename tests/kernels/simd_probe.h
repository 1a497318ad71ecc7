#pragma once
// The vector functions behind plain arrays, once for each instruction-set level, so that one test program can compare
// the levels which its machine has. Nothing here is inline: code of a higher level must not leak into the program's
// own.

#include <cstdint>
#include <vector>

#include "core/half.h"

namespace lv::test {

struct SimdProbe {
  using Unary = void (*)(int64_t n, const float* x, float* out);
  using Binary = void (*)(int64_t n, const float* x, const float* y, float* out);
  using Unary64 = void (*)(int64_t n, const double* x, double* out);
  using Binary64 = void (*)(int64_t n, const double* x, const double* y, double* out);

  const char* level;
  int vector_bytes;

  // Conversions.
  void (*half_to_float)(int64_t n, const Half* x, float* out);
  void (*bfloat_to_float)(int64_t n, const BFloat16* x, float* out);
  void (*float_to_half)(int64_t n, const float* x, Half* out);
  void (*float_to_bfloat)(int64_t n, const float* x, BFloat16* out);
  void (*float_to_int)(int64_t n, const float* x, int32_t* out);
  void (*int_to_float)(int64_t n, const int32_t* x, float* out);
  void (*long_to_double)(int64_t n, const int64_t* x, double* out);
  Unary through_double;  // narrow(widen(x))

  // Arithmetic.
  Unary abs, sqrt, rsqrt, floor, trunc, round_even;
  Binary min, max, fast_min, fast_max, copysign, is_less;
  Unary64 floor64, trunc64, round_even64, sqrt64;
  Binary64 max64, copysign64;
  void (*fma)(int64_t n, const float* x, const float* y, const float* z, float* out);
  void (*int_arithmetic)(int64_t n, const int32_t* x, const int32_t* y, int32_t* out);  // max(x * y, (x >> 3) - y)
  void (*long_arithmetic)(int64_t n, const int64_t* x, const int64_t* y,
                          int64_t* out);  // min(x * y, (x << 2) + abs(y))

  // Elementary functions.
  Unary exp, expm1, log, log1p, sigmoid, tanh, erf, sin, cos;
  Binary pow;
  Unary64 exp64, log64, sigmoid64, erf64;
  Binary64 pow64;

  // Loops and reductions.
  void (*copy_part)(int64_t count, const void* x, void* out, int element_bytes);  // one partial load and store
  float (*lane_sum)(const float* x);
  float (*lane_max)(const float* x);
  float (*lane_min)(const float* x);
  float (*sum)(int64_t n, const float* x);       // of x + 1, so that lanes past the end would show
  double (*sum64)(int64_t n, const double* x);   // likewise
  float (*max_of)(int64_t n, const float* x);    // of x + 1
  int (*count_true)(int64_t n, const float* x);  // bit 0: any x > 0 in the first vector; bit 1: all
};

#define LV_DECLARE_PROBE(level)      \
  namespace level {                  \
  extern const SimdProbe kSimdProbe; \
  }
LV_DECLARE_PROBE(base)
LV_DECLARE_PROBE(v3)
LV_DECLARE_PROBE(v4)
#undef LV_DECLARE_PROBE

/// The probes of the build that this machine can run, narrowest vectors first.
std::vector<const SimdProbe*> simd_levels();

}  // namespace lv::test
