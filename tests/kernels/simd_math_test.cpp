// Vector functions at every level that this machine has, against the C library in double (float) and long double.

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels/simd_probe.h"

using namespace lv;
using lv::test::SimdProbe;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<float> kSpecials = {
    0.0F,   -0.0F,  1.0F,    -1.0F,       kInf,         -kInf,       kNan,       0.5F,        -0.5F, 2.0F,   -2.0F,
    3.0F,   -3.0F,  1e-45F,  -1e-45F,     1e-40F,       1e30F,       -1e30F,     3.4e38F,     88.7F, 88.8F,  89.5F,
    -87.0F, -87.5F, -103.5F, -104.5F,     1000.0F,      -1000.0F,    2.5F,       -2.5F,       9.02F, -9.02F, 3.9F,
    -3.9F,  150.0F, -149.0F, 16777215.0F, -16777217.0F, 0.99999994F, 1.0000001F, -0.99999994F};

/// A sweep over the floats by their bits, so over all exponents alike, and the special values.
const std::vector<float>& sweep() {
  static const std::vector<float> values = [] {
    std::vector<float> result = kSpecials;
    for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 4099) {
      result.push_back(std::bit_cast<float>(uint32_t(bits)));
    }
    return result;
  }();
  return values;
}

/// Distance in units of the last place of T at `exact`; 0 for equals, among them NaN with NaN and zeros of equal sign,
/// infinite where only one of the two is NaN, infinite, or of another sign at zero.
template <class T, class Wide>
double ulps(T got, Wide exact) {
  const T rounded = T(exact);
  if (std::isnan(got) || std::isnan(rounded)) {
    return std::isnan(got) && std::isnan(rounded) ? 0 : double(kInf);
  }
  if (std::isinf(got) || std::isinf(rounded)) {
    return got == rounded ? 0 : double(kInf);
  }
  if (exact == 0) {
    return got == 0 && std::signbit(got) == std::signbit(exact) ? 0 : double(kInf);
  }
  using Limits = std::numeric_limits<T>;
  const int exponent = std::max(std::ilogb(exact), Limits::min_exponent - 1);
  return double(std::abs(Wide(got) - exact) / std::ldexp(Wide(1), exponent - (Limits::digits - 1)));
}

template <class T, class Wide>
void check_ulps(const std::vector<T>& got, const std::vector<Wide>& exact, double bound) {
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = ulps(got[i], exact[i]);
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  CAPTURE(at, got[at], exact[at]);
  CHECK(worst <= bound);
}

struct Function {
  const char* name;
  SimdProbe::Unary SimdProbe::* vector;
  double (*exact)(double);
  double bound;  // as kernels/simd/math.h and trig.h state it
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

const Function kFunctions[] = {
    {"exp", &SimdProbe::exp, std::exp, 1.02},        {"expm1", &SimdProbe::expm1, std::expm1, 1.5},
    {"log", &SimdProbe::log, std::log, 0.9},         {"log1p", &SimdProbe::log1p, std::log1p, 0.9},
    {"sigmoid", &SimdProbe::sigmoid, logistic, 2.1}, {"tanh", &SimdProbe::tanh, std::tanh, 1.4},
    {"erf", &SimdProbe::erf, std::erf, 1.1},         {"sin", &SimdProbe::sin, std::sin, 2.1},
    {"cos", &SimdProbe::cos, std::cos, 2.1},
};

}  // namespace

TEST_CASE("simd: float functions keep the stated error over the whole line") {
  const std::vector<float>& x = sweep();
  std::vector<double> exact(x.size());
  std::vector<float> got(x.size());
  for (const Function& function : kFunctions) {
    for (size_t i = 0; i < x.size(); ++i) {
      exact[i] = function.exact(x[i]);
    }
    for (const SimdProbe* probe : test::simd_levels()) {
      CAPTURE(function.name, probe->level);
      (probe->*function.vector)(int64_t(x.size()), x.data(), got.data());
      check_ulps(got, exact, function.bound + (probe->vector_bytes == 16 ? 0.2 : 0.0));
    }
  }
}

TEST_CASE("simd: pow agrees with the C library on every pair of special values") {
  std::vector<float> x, y;
  std::vector<double> exact;
  for (const float a : kSpecials) {
    for (const float b : kSpecials) {
      x.push_back(a);
      y.push_back(b);
      exact.push_back(std::pow(double(a), double(b)));
    }
  }
  std::vector<float> got(x.size());
  for (const SimdProbe* probe : test::simd_levels()) {
    probe->pow(int64_t(x.size()), x.data(), y.data(), got.data());
    for (size_t i = 0; i < x.size(); ++i) {
      // Past the range of float the double above is not zero or infinite yet: only its rounding is.
      const float wanted = float(exact[i]);
      CAPTURE(probe->level, x[i], y[i], wanted, got[i]);
      const bool is_same =
          std::isnan(wanted) ? std::isnan(got[i]) : wanted == got[i] && std::signbit(wanted) == std::signbit(got[i]);
      CHECK((is_same || ulps(got[i], exact[i]) <= 0.51));
    }
  }
}

TEST_CASE("simd: pow keeps half an ulp for bases and exponents of all sizes") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<float> exponent_of_two(-149.0F, 128.0F);
  std::vector<float> x(100000), y(x.size()), got(x.size());
  std::vector<double> exact(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    // A result between the smallest denormal and the largest float, from a base anywhere or close to 1.
    const double base = i % 2 == 0 ? std::exp2(exponent_of_two(random)) : 1 + 1e-3 * exponent_of_two(random);
    x[i] = float(base);
    y[i] = float(exponent_of_two(random) / std::log2(double(x[i])));
    exact[i] = std::pow(double(x[i]), double(y[i]));
  }
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    probe->pow(int64_t(x.size()), x.data(), y.data(), got.data());
    check_ulps(got, exact, 0.51);
  }
}

TEST_CASE("simd: double functions stay within two ulp") {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> any(-30.0, 30.0), positive(1e-3, 30.0);
  std::vector<double> x(10000), y(x.size()), got(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = positive(random);
    y[i] = any(random);
  }
  const auto compare = [&](SimdProbe::Unary64 vector, const std::vector<double>& in, auto function) {
    std::vector<long double> exact(in.size());
    for (size_t i = 0; i < in.size(); ++i) {
      exact[i] = function(static_cast<long double>(in[i]));
    }
    vector(int64_t(in.size()), in.data(), got.data());
    check_ulps(got, exact, 2);
  };
  for (const SimdProbe* probe : test::simd_levels()) {
    CAPTURE(probe->level);
    compare(probe->exp64, y, [](long double v) { return std::exp(v); });
    compare(probe->log64, x, [](long double v) { return std::log(v); });
    compare(probe->erf64, y, [](long double v) { return std::erf(v); });
    compare(probe->sigmoid64, y, [](long double v) { return 1 / (1 + std::exp(-v)); });
    std::vector<long double> exact(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      exact[i] = std::pow(static_cast<long double>(x[i]), static_cast<long double>(y[i]));
    }
    probe->pow64(int64_t(x.size()), x.data(), y.data(), got.data());
    check_ulps(got, exact, 2);
  }
}
