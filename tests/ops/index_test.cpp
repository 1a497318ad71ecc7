#include "ops/index.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/engine.h"
#include "ops/shape.h"
#include "tests/ops/devices.h"
#include "tests/skip.h"

using namespace lv;
using Catch::Contains;

namespace {

/// 1 at the given share of places, by a fixed rule.
Tensor sparse(int64_t count, int64_t modulus) {
  std::vector<uint8_t> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    values[size_t(i)] = (i * 2654435761U >> 7) % uint64_t(modulus) == 0 ? 1 : 0;
  }
  return Tensor::from(values, {count}).to(DType::boolean);
}

}  // namespace

TEST_CASE("nonzero lists coordinates in row-major order") {
  for (const Device device : test::devices()) {
    const Tensor x = Tensor::from<float>({0, 2, -0.0F, NAN, 0, -1}, {2, 3}).to(device);
    const Tensor found = ops::nonzero(x);
    CHECK(found.shape() == Shape{3, 2});
    CHECK(found.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 1, 0, 1, 2});
    CHECK(ops::nonzero(x.transpose(0, 1)).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 1, 0, 2, 1});
    CHECK(ops::nonzero(Tensor::zeros({3, 4}, DType::i32, device)).shape() == Shape{0, 2});
    CHECK(ops::nonzero(Tensor::zeros({0, 4}, DType::u8, device)).shape() == Shape{0, 2});
    CHECK(ops::nonzero(Tensor::scalar(5, DType::bf16, device)).shape() == Shape{1, 0});
  }
}

TEST_CASE("nonzero finds every element of many chunks") {
  const int64_t count = GENERATE(1023, 1024, 70'001);
  const int64_t modulus = GENERATE(1, 2, 97);
  const Tensor mask = sparse(count, modulus);
  std::vector<int64_t> wanted;
  const auto flags = mask.to(DType::u8).to_vector<uint8_t>();
  for (size_t i = 0; i < flags.size(); ++i) {
    if (flags[i] != 0) {
      wanted.push_back(int64_t(i));
    }
  }
  for (const Device device : test::devices()) {
    CHECK(ops::nonzero(mask.to(device)).to_vector<int64_t>() == wanted);
  }
}

TEST_CASE("masked_select takes what the mask shows and sends gradients back there") {
  for (const Device device : test::devices()) {
    const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3}).to(device).set_requires_grad();
    const Tensor mask = Tensor::from<uint8_t>({1, 0, 1}, {3}).to(DType::boolean).to(device);
    const Tensor y = ops::masked_select(x, mask);
    CHECK(y.to_vector<float>() == std::vector<float>{1, 3, 4, 6});
    y.backward(Tensor::from<float>({10, 20, 30, 40}, {4}).to(device));
    CHECK(x.grad().to_vector<float>() == std::vector<float>{10, 0, 20, 30, 0, 40});
    const Tensor none = ops::masked_select(x, Tensor::zeros({2, 1}, DType::boolean, device));
    CHECK(none.shape() == Shape{0});
    const Tensor scalar = Tensor::scalar(7, DType::i64, device);
    CHECK(ops::masked_select(scalar, mask).to_vector<int64_t>() == std::vector<int64_t>{7, 7});
    CHECK_THROWS_WITH(ops::masked_select(x, x), "masked_select: mask must be bool, got f32");
  }
}

TEST_CASE("indices on a device that lie outside read NaN or 0 and add nothing") {
  if (test::devices().size() == 1) {
    return test::skip("no device");
  }
  const Device device = Device::cuda();
  const Tensor index = Tensor::from<int64_t>({1, 2, -1}, {3}).to(device);
  const Tensor x = Tensor::from<float>({5, 6}, {2});
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    for (const Tensor& y :
         {ops::gather(x.to(dtype).to(device), 0, index), ops::index_select(x.to(dtype).to(device), 0, index)}) {
      const auto values = y.to(Device::cpu()).to(DType::f32).to_vector<float>();
      CHECK(values[0] == 6);
      CHECK(std::isnan(values[1]));
      CHECK(std::isnan(values[2]));
    }
  }
  CHECK(ops::gather(x.to(DType::i32).to(device), 0, index).to_vector<int32_t>() == std::vector<int32_t>{6, 0, 0});
  const Tensor src = Tensor::from<float>({10, 20, 30}, {3}).to(device);
  CHECK(ops::scatter_add(x.to(device), 0, index, src).to_vector<float>() == std::vector<float>{5, 16});
  CHECK(ops::index_add(x.to(device), 0, index, src).to_vector<float>() == std::vector<float>{5, 16});
}

TEST_CASE("the padding row of an embedding is read but has no gradient") {
  const Tensor weight = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2}).set_requires_grad();
  const Tensor y = ops::embedding(weight, Tensor::from<int64_t>({1, 0, 1, 2}, {2, 2}), 1);
  CHECK(y.shape() == Shape{2, 2, 2});
  CHECK(y.to_vector<float>() == std::vector<float>{3, 4, 1, 2, 3, 4, 5, 6});
  y.backward(Tensor::full(y.shape(), 1));
  CHECK(weight.grad().to_vector<float>() == std::vector<float>{1, 1, 0, 0, 1, 1});
}

TEST_CASE("sums over equal indices keep more than a 16-bit type could") {
  const Tensor x = Tensor::zeros({1}, DType::bf16);
  const Tensor ones = Tensor::full({1000}, 1, DType::bf16);
  const Tensor index = Tensor::zeros({1000}, DType::i64);
  CHECK(ops::scatter_add(x, 0, index, ones).to(DType::f32).item() == 1000);
  CHECK(ops::index_add(x, 0, index, ones).to(DType::f32).item() == 1000);
}

TEST_CASE("rows of one index that several tasks meet are added once") {
  constexpr int64_t kCount = 100'003;  // more than one task's elements go to each of three rows
  std::vector<int64_t> index(kCount);
  std::vector<double> src(kCount);
  std::vector<double> wanted(3, 0.0);
  for (size_t i = 0; i < kCount; ++i) {
    index[i] = int64_t(i * i % 3);
    src[i] = double(i % 11) - 4;
    wanted[size_t(index[i])] += src[i];  // whole numbers: exact in any order
  }
  const Tensor sums =
      ops::index_add(Tensor::zeros({3}, DType::f64), 0, Tensor::from(index, {kCount}), Tensor::from(src, {kCount}));
  CHECK(sums.to_vector<double>() == wanted);
}
