// The vector layer at every level that this machine has, against scalar code: core/half.h, <cmath> and plain loops.

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "tests/kernels/simd_probe.h"

using namespace lv;
using lv::test::SimdProbe;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
uint64_t bits_of(double x) { return std::bit_cast<uint64_t>(x); }
uint32_t bits_of(int32_t x) { return uint32_t(x); }
uint64_t bits_of(int64_t x) { return uint64_t(x); }
uint16_t bits_of(Half x) { return x.bits; }
uint16_t bits_of(BFloat16 x) { return x.bits; }

/// The first index where two results differ in their bits (any NaN equals any other), or -1.
template <class T>
int64_t first_difference(const std::vector<T>& a, const std::vector<T>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a[i]) && std::isnan(b[i])) {
        continue;
      }
    }
    if (bits_of(a[i]) != bits_of(b[i])) {
      return int64_t(i);
    }
  }
  return -1;
}

template <class Out, class Probe, class Oracle, class... In>
void check_same(Probe probe, Oracle oracle, const std::vector<In>&... in) {
  const size_t n = std::min({in.size()...});
  std::vector<Out> got(n), wanted(n);
  probe(int64_t(n), in.data()..., got.data());
  for (size_t i = 0; i < n; ++i) {
    wanted[i] = oracle(in[i]...);
  }
  const int64_t at = first_difference(got, wanted);
  CAPTURE(at);
  CHECK(at == -1);
}

/// Every interesting float, then floats of random bits: all exponents, infinities, NaN and denormals among them.
std::vector<float> assorted_floats(size_t count, uint32_t seed) {
  std::vector<float> result = {0.0F,  -0.0F, 1.0F,  -1.0F,  0.5F,    1.5F,  2.5F,   -0.5F,    -1.5F,      kInf,
                               -kInf, kNan,  -kNan, 1e-45F, -1e-45F, 3e38F, -3e38F, 1.2e-38F, 8388607.5F, -8388609.0F};
  std::mt19937 random(seed);
  while (result.size() < count) {
    result.push_back(std::bit_cast<float>(uint32_t(random())));
  }
  return result;
}

std::vector<double> assorted_doubles(size_t count, uint32_t seed) {
  std::vector<double> result = {0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, double(kInf), -double(kInf), double(kNan)};
  std::mt19937_64 random(seed);
  while (result.size() < count) {
    // Half of them near enough to 1 for rounding to matter.
    const uint64_t bits = random();
    result.push_back(bits & 1 ? std::bit_cast<double>(bits) : double(int64_t(bits)) * 0x1p-58);
  }
  return result;
}

/// Of all magnitudes.
template <class T>
std::vector<T> random_integers(size_t count, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> result(count);
  for (T& x : result) {
    x = T(T(random()) >> (random() % (8 * sizeof(T))));
  }
  return result;
}

constexpr auto kReferenceMax = [](auto a, auto b) { return a != a || b != b ? a + b : (a > b ? a : b); };
constexpr auto kReferenceMin = [](auto a, auto b) { return a != a || b != b ? a + b : (a < b ? a : b); };

}  // namespace

TEST_CASE("simd: the widest level of the build is tested where the machine has it") {
  int bytes = 0;
  for (const SimdProbe* probe : test::simd_levels()) {
    CHECK(probe->vector_bytes > bytes);
    bytes = probe->vector_bytes;
  }
}

TEST_CASE("simd: all 16-bit patterns widen as the scalar conversions do") {
  std::vector<Half> halves(65536);
  std::vector<BFloat16> bfloats(65536);
  for (size_t i = 0; i < 65536; ++i) {
    halves[i].bits = uint16_t(i);
    bfloats[i].bits = uint16_t(i);
  }
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    check_same<float>(probe->half_to_float, [](Half x) { return float(x); }, halves);
    check_same<float>(probe->bfloat_to_float, [](BFloat16 x) { return float(x); }, bfloats);
  }
}

TEST_CASE("simd: floats narrow to the bits of the scalar conversions") {
  std::vector<float> values = assorted_floats(1 << 20, 1);
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    // Around every half and bfloat16: the value, the tie above it, and the neighbours of the tie.
    Half half;
    half.bits = uint16_t(pattern);
    for (const uint32_t offset : {0U, 1U, 0xfffU, 0x1000U, 0x1001U, 0x7fffU, 0x8000U, 0x8001U}) {
      values.push_back(std::bit_cast<float>(bits_of(float(half)) + offset));
      values.push_back(std::bit_cast<float>((pattern << 16) + offset));
    }
  }
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    check_same<Half>(probe->float_to_half, [](float x) { return Half(x); }, values);
    check_same<BFloat16>(probe->float_to_bfloat, [](float x) { return BFloat16(x); }, values);
  }
}

TEST_CASE("simd: integers and doubles convert as in scalar code") {
  std::vector<float> fractions;
  for (int i = -4000; i < 4000; ++i) {
    fractions.push_back(float(i) * 536870.3F);
  }
  const auto integers = random_integers<int32_t>(5000, 2);
  const auto longs = random_integers<int64_t>(5000, 3);
  const auto floats = assorted_floats(5000, 4);
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    check_same<int32_t>(probe->float_to_int, [](float x) { return int32_t(x); }, fractions);
    check_same<float>(probe->int_to_float, [](int32_t x) { return float(x); }, integers);
    check_same<double>(probe->long_to_double, [](int64_t x) { return double(x); }, longs);
    check_same<float>(probe->through_double, [](float x) { return x; }, floats);
  }
}

TEST_CASE("simd: arithmetic on floats equals scalar arithmetic, NaN and infinities included") {
  const auto x = assorted_floats(20000, 5);
  auto y = assorted_floats(20000, 6);
  std::rotate(y.begin(), y.begin() + 7, y.end());  // pairs the special values with others
  const auto z = assorted_floats(20000, 7);
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    check_same<float>(probe->abs, [](float a) { return std::fabs(a); }, x);
    check_same<float>(probe->sqrt, [](float a) { return std::sqrt(a); }, x);
    check_same<float>(probe->rsqrt, [](float a) { return 1.0F / std::sqrt(a); }, x);
    check_same<float>(probe->floor, [](float a) { return std::floor(a); }, x);
    check_same<float>(probe->trunc, [](float a) { return std::trunc(a); }, x);
    check_same<float>(probe->round_even, [](float a) { return std::nearbyint(a); }, x);
    check_same<float>(probe->min, kReferenceMin, x, y);
    check_same<float>(probe->max, kReferenceMax, x, y);
    check_same<float>(probe->fast_min, [](float a, float b) { return a < b ? a : b; }, x, y);
    check_same<float>(probe->fast_max, [](float a, float b) { return a > b ? a : b; }, x, y);
    check_same<float>(probe->copysign, [](float a, float b) { return std::copysign(a, b); }, x, y);
    check_same<float>(probe->is_less, [](float a, float b) { return a < b ? 1.0F : 0.0F; }, x, y);
    const bool is_fused = probe->vector_bytes > 16;
    const auto fma = [=](float a, float b, float c) {
      return is_fused ? std::fma(a, b, c) : float(double(a) * double(b) + double(c));
    };
    check_same<float>(probe->fma, fma, x, y, z);
  }
}

TEST_CASE("simd: arithmetic on doubles and integers equals scalar arithmetic; integers wrap around") {
  const auto x = assorted_doubles(20000, 8);
  auto y = assorted_doubles(20000, 9);
  std::rotate(y.begin(), y.begin() + 3, y.end());
  const auto i = random_integers<int32_t>(20000, 10);
  const auto j = random_integers<int32_t>(20000, 11);
  const auto k = random_integers<int64_t>(20000, 12);
  const auto l = random_integers<int64_t>(20000, 13);
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    check_same<double>(probe->sqrt64, [](double a) { return std::sqrt(a); }, x);
    check_same<double>(probe->floor64, [](double a) { return std::floor(a); }, x);
    check_same<double>(probe->trunc64, [](double a) { return std::trunc(a); }, x);
    check_same<double>(probe->round_even64, [](double a) { return std::nearbyint(a); }, x);
    check_same<double>(probe->max64, kReferenceMax, x, y);
    check_same<double>(probe->copysign64, [](double a, double b) { return std::copysign(a, b); }, x, y);
    check_same<int32_t>(
        probe->int_arithmetic,
        [](int32_t a, int32_t b) {
          return std::max(int32_t(uint32_t(a) * uint32_t(b)), int32_t(uint32_t(a >> 3) - uint32_t(b)));
        },
        i, j);
    check_same<int64_t>(
        probe->long_arithmetic,
        [](int64_t a, int64_t b) {
          const uint64_t magnitude = b < 0 ? 0 - uint64_t(b) : uint64_t(b);
          return std::min(int64_t(uint64_t(a) * uint64_t(b)), int64_t((uint64_t(a) << 2) + magnitude));
        },
        k, l);
  }
}

TEST_CASE("simd: a partial vector touches its elements only") {
  for (const SimdProbe* probe : test::simd_levels()) {
    for (const int element_bytes : {2, 4, 8}) {
      const int kLanes = element_bytes == 8 ? probe->vector_bytes / 8 : probe->vector_bytes / 4;
      for (int count = 0; count <= kLanes; ++count) {
        CAPTURE(probe->level, element_bytes, count);
        // Exactly as long as it may be, so that the address sanitizer sees what the comparison cannot.
        const size_t bytes = size_t(count * element_bytes);
        std::vector<uint8_t> source(std::max<size_t>(bytes, 1)), target(bytes + 64, 0xee);
        for (size_t i = 0; i < bytes; ++i) {
          source[i] = uint8_t(i + 1);  // no NaN in any of the types
        }
        probe->copy_part(count, source.data(), target.data(), element_bytes);
        CHECK(std::equal(target.begin(), target.begin() + int64_t(bytes), source.begin()));
        CHECK(std::count(target.begin() + int64_t(bytes), target.end(), 0xee) == 64);
      }
    }
  }
}

TEST_CASE("simd: map covers exactly n elements for every tail") {
  for (const SimdProbe* probe : test::simd_levels()) {
    const int64_t lanes = probe->vector_bytes / 4;
    for (int64_t n = 0; n <= 2 * lanes + 1; ++n) {
      CAPTURE(probe->level, n);
      std::vector<float> x(size_t(n), 4.0F), out(size_t(n) + 32, -1.0F);
      probe->sqrt(n, x.data(), out.data());
      CHECK(std::count(out.begin(), out.end(), 2.0F) == n);
      CHECK(std::count(out.begin() + n, out.end(), -1.0F) == 32);
      std::vector<BFloat16> narrow(size_t(n) + 32, BFloat16(-1.0F));
      probe->float_to_bfloat(n, x.data(), narrow.data());
      CHECK(std::count_if(narrow.begin(), narrow.end(), [](BFloat16 v) { return float(v) == 4.0F; }) == n);
    }
  }
}

TEST_CASE("simd: reductions count every element once, whatever the tail and the address") {
  std::mt19937 random(14);
  for (const SimdProbe* probe : test::simd_levels()) {
    const int64_t lanes = probe->vector_bytes / 4;
    for (int64_t n = 0; n <= 9 * lanes + 1; ++n) {
      CAPTURE(probe->level, n);
      // Small integers: their sum is exact in any order.
      std::vector<float> x(size_t(n) + 1);
      std::vector<double> x64(size_t(n) + 1);
      for (int64_t i = 0; i < n; ++i) {
        x[size_t(i)] = float(int(random() % 2048) - 2048);
        x64[size_t(i)] = x[size_t(i)];
      }
      double sum = 0;
      float largest = -kInf;
      for (int64_t i = 0; i < n; ++i) {
        sum += x64[size_t(i)] + 1;
        largest = std::max(largest, x[size_t(i)] + 1);
      }
      CHECK(probe->sum(n, x.data()) == float(sum));
      CHECK(probe->sum64(n, x64.data()) == sum);
      CHECK(probe->max_of(n, x.data()) == largest);
      if (n > 0) {
        x[size_t(n / 2)] = kNan;
        CHECK(std::isnan(probe->max_of(n, x.data())));
      }
    }
    std::vector<float> x(1001);
    for (float& value : x) {
      value = std::ldexp(float(random()), -20);
    }
    const float first = probe->sum(1000, x.data());
    std::memmove(x.data() + 1, x.data(), 1000 * sizeof(float));
    CHECK(bits_of(probe->sum(1000, x.data() + 1)) == bits_of(first));
  }
}

TEST_CASE("simd: folds over the lanes see every lane") {
  for (const SimdProbe* probe : test::simd_levels()) {
    const int lanes = probe->vector_bytes / 4;
    for (int at = 0; at < lanes; ++at) {
      CAPTURE(probe->level, at);
      std::vector<float> x(size_t(lanes), 1.0F);
      x[size_t(at)] = 5.0F;
      CHECK(probe->lane_sum(x.data()) == float(lanes) + 4.0F);
      CHECK(probe->lane_max(x.data()) == 5.0F);
      CHECK(probe->lane_min(x.data()) == 1.0F);
      x[size_t(at)] = -5.0F;
      CHECK(probe->lane_min(x.data()) == -5.0F);
      CHECK(probe->count_true(lanes, x.data()) == 1);
      x[size_t(at)] = kNan;
      CHECK(std::isnan(probe->lane_max(x.data())));
      CHECK(std::isnan(probe->lane_min(x.data())));
      CHECK(probe->count_true(at, x.data()) == (at == 0 ? 0 : 1));
      x[size_t(at)] = 2.0F;
      CHECK(probe->count_true(lanes, x.data()) == 3);
    }
  }
}
