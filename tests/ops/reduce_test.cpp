#include "ops/reduce.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "autograd/engine.h"
#include "core/parallel.h"
#include "ops/elementwise.h"

using namespace lv;
using Catch::Contains;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor random_floats(const Shape& shape, uint32_t seed, float low = -1, float high = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(size_t(numel(shape)));
  for (float& value : values) {
    value = low + (high - low) * float(random() >> 8) * 0x1p-24F;
  }
  return Tensor::from(values, shape);
}

std::vector<uint8_t> flags_of(const Tensor& mask) { return mask.to(DType::u8).to_vector<uint8_t>(); }

}  // namespace

TEST_CASE("a float32 sum of a million elements keeps six digits more than a plain loop") {
  const Tensor x = random_floats({1 << 20}, 1, 0, 1);
  double exact = 0;
  for (const float value : x.to_vector<float>()) {
    exact += value;
  }
  // One rounding of the result and those of a few hundred additions of partial sums, which do not add up.
  CHECK(std::abs(ops::sum(x).item() - exact) <= exact * 0x1p-23);
  const Tensor columns = x.view({1 << 19, 2});
  CHECK(std::abs(ops::sum(ops::sum(columns, {0})).item() - exact) <= exact * 0x1p-22);
}

TEST_CASE("long sums have the same bits on any number of threads, along either axis") {
  const Tensor x = random_floats({911, 1201}, 2);
  const int threads = num_threads();
  std::vector<std::vector<float>> results[3];
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    results[0].push_back(ops::sum(x).to_vector<float>());
    results[1].push_back(ops::sum(x, {0}).to_vector<float>());
    results[2].push_back(ops::var(x.view({911 * 1201})).to_vector<float>());
  }
  set_num_threads(threads);
  for (const auto& of_kind : results) {
    CHECK(of_kind[0] == of_kind[1]);
    CHECK(of_kind[0] == of_kind[2]);
  }
}

TEST_CASE("sums over chunks of columns agree with float64") {
  for (const Shape& shape : {Shape{1031, 3}, Shape{257, 700}, Shape{5000, 64}}) {
    const Tensor x = random_floats(shape, 3);
    const std::vector<double> wide = ops::sum(x.to(DType::f64), {0}).to_vector<double>();
    const std::vector<float> narrow = ops::sum(x, {0}).to_vector<float>();
    std::vector<double> plain(wide.size());
    for (int64_t i = 0; i < x.numel(); ++i) {
      plain[size_t(i % shape[1])] += double(x.data<float>()[i]);
    }
    for (size_t c = 0; c < plain.size(); ++c) {
      CHECK(wide[c] == Approx(plain[c]).epsilon(1e-12).margin(1e-12));
      CHECK(double(narrow[c]) == Approx(plain[c]).epsilon(1e-5).margin(1e-4));
    }
  }
}

TEST_CASE("a NaN is the largest and the smallest element, and wins every search") {
  const Tensor x = Tensor::from<float>({1, kNaN, 3, -2, kNaN, 0}, {2, 3});
  for (const Tensor& extremum : {ops::amax(x, {1}), ops::amin(x, {1}), ops::amax(x.transpose(0, 1), {0})}) {
    CHECK(std::isnan(extremum.to_vector<float>()[0]));
    CHECK(std::isnan(extremum.to_vector<float>()[1]));
  }
  CHECK(ops::argmax(x, 1).to_vector<int64_t>() == std::vector<int64_t>{1, 1});
  CHECK(ops::argmin(x, 1).to_vector<int64_t>() == std::vector<int64_t>{1, 1});
  CHECK(ops::argmin(x, -2).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 1});
}

TEST_CASE("a search finds the first of equal elements in lines of any length") {
  std::mt19937 random(7);
  for (int length = 1; length < 80; ++length) {
    std::vector<float> values(size_t(3 * length), -kInfinity);  // the last line stays so
    std::generate_n(values.begin(), 2 * length, [&] { return float(random() % 5); });
    const Tensor x = Tensor::from(values, {3, length});
    std::vector<int64_t> largest, smallest;
    for (int line = 0; line < 3; ++line) {
      const auto begin = values.begin() + line * length;
      largest.push_back(std::max_element(begin, begin + length) - begin);
      smallest.push_back(std::min_element(begin, begin + length) - begin);
    }
    CHECK(ops::argmax(x, 1).to_vector<int64_t>() == largest);
    CHECK(ops::argmin(x, 1).to_vector<int64_t>() == smallest);
  }
}

TEST_CASE("equal largest elements share the gradient") {
  const Tensor x = Tensor::from<float>({2, 5, 5, 1, 5, 0, 0, 0}, {2, 4});
  x.set_requires_grad();
  ops::amax(x, {1}).backward(Tensor::from<float>({6, 8}, {2}));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 3, 3, 0, 8, 0, 0, 0});
}

TEST_CASE("logsumexp neither overflows nor hides infinities") {
  const Tensor x =
      Tensor::from<float>({500, 500, -kInfinity, -kInfinity, -kInfinity, -kInfinity, 0, kInfinity, 1}, {3, 3});
  x.set_requires_grad();
  const Tensor y = ops::logsumexp(x, {1});
  const auto values = y.to_vector<float>();
  CHECK(double(values[0]) == Approx(500 + std::log(2.0)));
  CHECK(values[1] == -kInfinity);
  CHECK(values[2] == kInfinity);
  y.backward(Tensor::from<float>({1, 1, 0}, {3}));
  const auto grad = x.grad().to_vector<float>();
  CHECK(grad[0] == Approx(0.5F));
  CHECK(grad[2] == 0.0F);
  CHECK(grad[3] == 0.0F);  // no element was chosen
}

TEST_CASE("var keeps its precision where the mean is large") {
  // Deviations are whole numbers, exactly representable beside the mean.
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(float((1 << 16) + i % 5));
  }
  CHECK(ops::var(Tensor::from(values, {1000}), {}, 0).item() == Approx(2.0).epsilon(1e-3));
  CHECK(ops::std(Tensor::from(values, {1000}), {}, 0).item() == Approx(std::sqrt(2.0)).epsilon(1e-3));
  CHECK(std::isnan(ops::var(Tensor::from<float>({3}, {1})).item()));
}

TEST_CASE("the norm of zeros has gradient zero") {
  const Tensor x = Tensor::from<float>({3, 4, 0, 0}, {2, 2});
  x.set_requires_grad();
  const Tensor y = ops::norm(x, {1});
  CHECK(y.to_vector<float>() == std::vector<float>{5, 0});
  y.backward(Tensor::from<float>({10, 10}, {2}));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{6, 8, 0, 0});
}

TEST_CASE("any and all of nothing are false and true") {
  const Tensor mask = Tensor::from<bool>({true, false, true, true}, {2, 2});
  CHECK(ops::any(mask).item() == 1);
  CHECK(flags_of(ops::all(mask, {1})) == std::vector<uint8_t>{0, 1});
  CHECK(ops::any(mask, {0}, true).shape() == Shape{1, 2});
  const Tensor none = Tensor::empty({2, 0}, DType::boolean);
  CHECK(flags_of(ops::any(none, {1})) == std::vector<uint8_t>{0, 0});
  CHECK(flags_of(ops::all(none, {1})) == std::vector<uint8_t>{1, 1});
  CHECK_THROWS_WITH(ops::any(Tensor::zeros({2})), Contains("any: x must be bool, got f32 [2]"));
}

TEST_CASE("axes may be negative, in any order, but not twice") {
  const Tensor x = random_floats({2, 3, 5}, 4);
  CHECK(ops::sum(x, {-1, 0}).shape() == Shape{3});
  CHECK(ops::mean(x, {1}, true).shape() == Shape{2, 1, 5});
  CHECK_THROWS_WITH(ops::sum(x, {2, -1}), Contains("sum: axis -1 of [2, 3, 5] is named twice"));
  CHECK_THROWS_WITH(ops::argmax(x, 3), Contains("argmax"));
}
