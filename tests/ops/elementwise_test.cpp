#include "ops/elementwise.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "autograd/autocast.h"
#include "autograd/engine.h"

using namespace lv;
using Catch::Contains;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> values_of(const Tensor& x) { return x.to_vector<float>(); }

std::vector<uint8_t> flags_of(const Tensor& mask) { return mask.to(DType::u8).to_vector<uint8_t>(); }

}  // namespace

TEST_CASE("operators mix tensors and numbers on either side") {
  const Tensor a = Tensor::from<float>({1, -2, 4}, {3});
  const Tensor b = Tensor::from<float>({2, 8, -1}, {3});
  CHECK(values_of(a + b) == std::vector<float>{3, 6, 3});
  CHECK(values_of(a - b) == std::vector<float>{-1, -10, 5});
  CHECK(values_of(a * b) == std::vector<float>{2, -16, -4});
  CHECK(values_of(a / b) == std::vector<float>{0.5, -0.25, -4});
  CHECK(values_of(-a) == std::vector<float>{-1, 2, -4});
  CHECK(values_of(a + 1.0) == std::vector<float>{2, -1, 5});
  CHECK(values_of(3.0 - a) == std::vector<float>{2, 5, -1});
  CHECK(values_of(a - 3.0) == std::vector<float>{-2, -5, 1});
  CHECK(values_of(2.0 * a) == std::vector<float>{2, -4, 8});
  CHECK(values_of(a / 4.0) == std::vector<float>{0.25, -0.5, 1});
  CHECK(values_of(8.0 / a) == std::vector<float>{8, -4, 2});
}

TEST_CASE("arithmetic with a number keeps the sign of a zero") {
  const Tensor zeros = Tensor::from<float>({0.0F, -0.0F}, {2});
  const auto scaled = values_of(zeros * 2.0);
  CHECK_FALSE(std::signbit(scaled[0]));
  CHECK(std::signbit(scaled[1]));
  const auto negated = values_of(-zeros);
  CHECK(std::signbit(negated[0]));
  CHECK_FALSE(std::signbit(negated[1]));
}

TEST_CASE("division by a number rounds once") {
  std::vector<float> numerators;
  for (int i = 1; i < 1000; ++i) {
    numerators.push_back(float(i));
  }
  const auto quotients = values_of(Tensor::from(numerators, {999}) / 3.0);
  for (size_t i = 0; i < numerators.size(); ++i) {
    REQUIRE(quotients[i] == numerators[i] / 3.0F);
  }
}

TEST_CASE("bfloat16 results are rounded alike at every place of arrays of any length") {
  for (int64_t n = 1; n < 150; ++n) {
    const Tensor x = Tensor::empty({n}, DType::bf16);
    for (int64_t i = 0; i < n; ++i) {
      x.data<BFloat16>()[i] = BFloat16(1.0F + float(i * 37 % 128) / 128.0F);  // of 8 bits, so that a square has 16
    }
    const Tensor y = ops::square(x);
    for (int64_t i = 0; i < n; ++i) {
      const float value = float(x.data<BFloat16>()[i]);
      CHECK(y.data<BFloat16>()[i].bits == BFloat16(value * value).bits);
    }
  }
}

TEST_CASE("NaN passes through relu, clamp, minimum and maximum") {
  const Tensor x = Tensor::from<float>({kNaN, 1, kNaN}, {3});
  const Tensor y = Tensor::from<float>({0, kNaN, 5}, {3});
  CHECK(std::isnan(values_of(ops::relu(x))[0]));
  CHECK(std::isnan(values_of(ops::clamp(x, -1, 1))[0]));
  for (const Tensor& result : {ops::minimum(x, y), ops::maximum(x, y), ops::minimum(y, x), ops::maximum(y, x)}) {
    for (const float value : values_of(result)) {
      CHECK(std::isnan(value));
    }
  }
}

TEST_CASE("equal arguments of maximum share the gradient, and a limit of clamp passes it") {
  const Tensor a = Tensor::from<float>({1, 2, 3}, {3});
  const Tensor b = Tensor::from<float>({1, 5, 0}, {3});
  a.set_requires_grad();
  b.set_requires_grad();
  ops::maximum(a, b).backward(Tensor::full({3}, 4.0));
  CHECK(values_of(a.grad()) == std::vector<float>{2, 0, 4});
  CHECK(values_of(b.grad()) == std::vector<float>{2, 4, 0});
  const Tensor x = Tensor::from<float>({-2, -1, 0, 1, 2}, {5});
  x.set_requires_grad();
  ops::clamp(x, -1, 1).backward(Tensor::full({5}, 1.0));
  CHECK(values_of(x.grad()) == std::vector<float>{0, 1, 1, 1, 0});
}

TEST_CASE("powers have the special cases of the C library, and finite gradients at 0") {
  const Tensor x = Tensor::from<float>({0, -8, kNaN, 2, kInfinity}, {5});
  for (const double exponent : {0.0, 1.0, 2.0, -1.0, 0.5, 3.0, -2.5}) {
    const auto powers = values_of(ops::pow(x, exponent));
    for (size_t i = 0; i < powers.size(); ++i) {
      const float wanted = std::pow(values_of(x)[i], float(exponent));
      INFO(values_of(x)[i] << " ^ " << exponent << " is " << powers[i]);
      CHECK((powers[i] == Approx(wanted) || (std::isnan(powers[i]) && std::isnan(wanted))));
    }
  }
  const Tensor base = Tensor::from<float>({0, 0, 3}, {3});
  const Tensor exponent = Tensor::from<float>({0, 2, 2}, {3});
  base.set_requires_grad();
  exponent.set_requires_grad();
  ops::pow(base, exponent).backward(Tensor::full({3}, 1.0));
  CHECK(values_of(base.grad()) == std::vector<float>{0, 0, 6});
  CHECK(values_of(exponent.grad())[0] == 0);
  CHECK(values_of(exponent.grad())[1] == 0);
  CHECK(values_of(exponent.grad())[2] == Approx(9 * std::log(3.0F)));
}

TEST_CASE("activations stay finite and exact far from zero") {
  const Tensor x = Tensor::from<float>({-1e4F, -100, 100, 1e4F}, {4});
  CHECK(values_of(ops::sigmoid(x)) == std::vector<float>{0, std::exp(-100.0F), 1, 1});
  CHECK(values_of(ops::softplus(x))[2] == 100);
  CHECK(values_of(ops::log_sigmoid(x)) == std::vector<float>{-1e4F, -100, -std::exp(-100.0F), 0});
  CHECK(values_of(ops::silu(x))[3] == 1e4F);
  CHECK(values_of(ops::gelu(x)) == std::vector<float>{0, 0, 100, 1e4F});
  CHECK(values_of(ops::gelu_tanh(x)) == std::vector<float>{0, 0, 100, 1e4F});
}

TEST_CASE("gelu keeps its digits far below zero, where 1 + erf(x) has none left") {
  for (float x = -8; x < 8; x += 0.00390625F) {
    const double wanted = double(x) * 0.5 * std::erfc(-double(x) / std::sqrt(2.0));
    const double actual = ops::gelu(Tensor::from<float>({x}, {1})).item();
    REQUIRE(std::abs(actual - wanted) <= std::abs(wanted) * 30 * 0x1p-23);
  }
}

TEST_CASE("masked_fill and where leave no trace of what they hide") {
  const Tensor x = Tensor::from<float>({1, kNaN, 3}, {3});
  const Tensor mask = Tensor::from<bool>({false, true, false}, {3});
  x.set_requires_grad();
  const Tensor y = ops::masked_fill(x, mask, -kInfinity);
  CHECK(values_of(y) == std::vector<float>{1, -kInfinity, 3});
  y.backward(Tensor::from<float>({1, kNaN, 1}, {3}));
  CHECK(values_of(x.grad()) == std::vector<float>{1, 0, 1});
  CHECK(ops::where(mask, Tensor::from<int64_t>({1, 2, 3}, {3}), 9.0).to_vector<int64_t>() ==
        std::vector<int64_t>{9, 2, 9});
}

TEST_CASE("a comparison converts its number to the tensor's dtype") {
  const Tensor labels = Tensor::from<int64_t>({255, 3, 255}, {3});
  CHECK(flags_of(ops::ne(labels, 255)) == std::vector<uint8_t>{0, 1, 0});
  CHECK(flags_of(ops::logical_not(Tensor::from<bool>({true, false}, {2}))) == std::vector<uint8_t>{0, 1});
  CHECK(flags_of(ops::ge(Tensor::from<float>({kNaN, 1}, {2}), 0)) == std::vector<uint8_t>{0, 1});
}

TEST_CASE("under autocast an element-wise op computes in its widest input's type; otherwise mixing is an error") {
  const Tensor wide = Tensor::from<float>({1.001F}, {1});
  const Tensor narrow = wide.to(DType::bf16);
  CHECK_THROWS_WITH(wide * narrow, Contains("mul: dtypes differ: f32 [1] and bf16 [1]; cast one of them"));
  const autograd::AutocastGuard autocast(DType::bf16);
  CHECK((wide * narrow).dtype() == DType::f32);
  CHECK((narrow * narrow).dtype() == DType::bf16);
}
