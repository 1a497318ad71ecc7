#include "tests/kernels/simd_probe.h"

#include "kernels/simd/loop.h"
#include "kernels/simd/pow.h"
#include "kernels/simd/trig.h"

namespace lv::test::LV_ISA {

namespace {

/// fn, which takes vectors, over arrays of the types named.
template <auto fn, class Out, class... In>
void over_arrays(int64_t n, const In*... in, Out* out) {
  simd::map(n, out, fn, in...);
}

constexpr auto kIdentity = [](auto x) { return x; };
constexpr auto kMax = [](auto x, auto y) { return max(x, y); };
constexpr auto kCopysign = [](auto x, auto y) { return copysign(x, y); };
constexpr auto kPow = [](auto x, auto y) { return pow(x, y); };
constexpr auto kExp = [](auto x) { return exp(x); };
constexpr auto kLog = [](auto x) { return log(x); };
constexpr auto kSigmoid = [](auto x) { return sigmoid(x); };
constexpr auto kErf = [](auto x) { return erf(x); };
constexpr auto kSqrt = [](auto x) { return sqrt(x); };
constexpr auto kFloor = [](auto x) { return floor(x); };
constexpr auto kTrunc = [](auto x) { return trunc(x); };
constexpr auto kRoundEven = [](auto x) { return round_even(x); };

template <class T>
void copy_elements(int64_t count, const void* x, void* out) {
  simd::store(static_cast<T*>(out), simd::load(static_cast<const T*>(x), count), count);
}

void copy_part(int64_t count, const void* x, void* out, int element_bytes) {
  if (element_bytes == 2) {
    copy_elements<BFloat16>(count, x, out);
  } else if (element_bytes == 4) {
    copy_elements<float>(count, x, out);
  } else {
    copy_elements<int64_t>(count, x, out);
  }
}

template <class T>
T sum_plus_one(int64_t n, const T* x) {
  return simd::reduce_sum<T>(n, [x](int64_t i, auto lanes) { return lanes.load(x + i) + T(1); });
}

float max_plus_one(int64_t n, const float* x) {
  return simd::reduce_max<float>(n, [x](int64_t i, auto lanes) { return lanes.load(x + i) + 1.0F; });
}

int any_all(int64_t n, const float* x) {
  const auto positive = simd::load(x, n) > 0.0F;
  return int(simd::any(positive)) + 2 * int(simd::all(positive));
}

}  // namespace

constinit const SimdProbe kSimdProbe = {
    .level = LV_PROBE_LEVEL,
    .vector_bytes = simd::kVectorBytes,
    .half_to_float = over_arrays<kIdentity, float, Half>,
    .bfloat_to_float = over_arrays<kIdentity, float, BFloat16>,
    .float_to_half = over_arrays<kIdentity, Half, float>,
    .float_to_bfloat = over_arrays<kIdentity, BFloat16, float>,
    .float_to_int = over_arrays<[](auto x) { return simd::convert<int32_t>(x); }, int32_t, float>,
    .int_to_float = over_arrays<[](auto x) { return simd::convert<float>(x); }, float, int32_t>,
    .long_to_double = over_arrays<[](auto x) { return simd::convert<double>(x); }, double, int64_t>,
    .through_double = over_arrays<[](auto x) { return simd::narrow(simd::widen(x)); }, float, float>,
    .abs = over_arrays<[](auto x) { return abs(x); }, float, float>,
    .sqrt = over_arrays<kSqrt, float, float>,
    .rsqrt = over_arrays<[](auto x) { return rsqrt(x); }, float, float>,
    .floor = over_arrays<kFloor, float, float>,
    .trunc = over_arrays<kTrunc, float, float>,
    .round_even = over_arrays<kRoundEven, float, float>,
    .min = over_arrays<[](auto x, auto y) { return min(x, y); }, float, float, float>,
    .max = over_arrays<kMax, float, float, float>,
    .fast_min = over_arrays<[](auto x, auto y) { return fast_min(x, y); }, float, float, float>,
    .fast_max = over_arrays<[](auto x, auto y) { return fast_max(x, y); }, float, float, float>,
    .copysign = over_arrays<kCopysign, float, float, float>,
    .is_less = over_arrays<[](auto x, auto y) { return select(x < y, decltype(x)(1.0F), 0.0F); }, float, float, float>,
    .floor64 = over_arrays<kFloor, double, double>,
    .trunc64 = over_arrays<kTrunc, double, double>,
    .round_even64 = over_arrays<kRoundEven, double, double>,
    .sqrt64 = over_arrays<kSqrt, double, double>,
    .max64 = over_arrays<kMax, double, double, double>,
    .copysign64 = over_arrays<kCopysign, double, double, double>,
    .fma = over_arrays<[](auto x, auto y, auto z) { return fma(x, y, z); }, float, float, float, float>,
    .int_arithmetic = over_arrays<[](auto x, auto y) { return max(x * y, (x >> 3) - y); }, int32_t, int32_t, int32_t>,
    .long_arithmetic =
        over_arrays<[](auto x, auto y) { return min(x * y, (x << 2) + abs(y)); }, int64_t, int64_t, int64_t>,
    .exp = over_arrays<kExp, float, float>,
    .expm1 = over_arrays<[](auto x) { return expm1(x); }, float, float>,
    .log = over_arrays<kLog, float, float>,
    .log1p = over_arrays<[](auto x) { return log1p(x); }, float, float>,
    .sigmoid = over_arrays<kSigmoid, float, float>,
    .tanh = over_arrays<[](auto x) { return tanh(x); }, float, float>,
    .erf = over_arrays<kErf, float, float>,
    .sin = over_arrays<[](auto x) { return sin(x); }, float, float>,
    .cos = over_arrays<[](auto x) { return cos(x); }, float, float>,
    .pow = over_arrays<kPow, float, float, float>,
    .exp64 = over_arrays<kExp, double, double>,
    .log64 = over_arrays<kLog, double, double>,
    .sigmoid64 = over_arrays<kSigmoid, double, double>,
    .erf64 = over_arrays<kErf, double, double>,
    .pow64 = over_arrays<kPow, double, double, double>,
    .copy_part = copy_part,
    .lane_sum = [](const float* x) { return sum(simd::load(x)); },
    .lane_max = [](const float* x) { return max(simd::load(x)); },
    .lane_min = [](const float* x) { return min(simd::load(x)); },
    .sum = sum_plus_one<float>,
    .sum64 = sum_plus_one<double>,
    .max_of = max_plus_one,
    .count_true = any_all,
};

}  // namespace lv::test::LV_ISA
