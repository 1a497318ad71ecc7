#include "ops/sort.h"

#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>
#include <random>

#include "kernels/sort.cell.h"
#include "tests/ops/devices.h"

using namespace lv;

namespace {

std::vector<int64_t> indices_of(const Tensor& x, bool descending) {
  return ops::argsort(x, -1, descending).to_vector<int64_t>();
}

/// Few different values among many elements, in the order of a fixed seed.
std::vector<double> repetitive(int64_t n) {
  std::mt19937 random(7);
  std::vector<double> values(static_cast<size_t>(n));
  for (double& value : values) {
    value = double(random() % 17) - 8;
  }
  return values;
}

std::vector<int64_t> stable_order(const std::vector<double>& values, bool descending) {
  std::vector<int64_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = int64_t(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return descending ? values[size_t(a)] > values[size_t(b)] : values[size_t(a)] < values[size_t(b)];
  });
  return order;
}

}  // namespace

TEST_CASE("NaN sorts as the largest and zeros of both signs as equal") {
  const float inf = INFINITY;
  for (const Device device : test::devices()) {
    for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
      const Tensor x = Tensor::from<float>({0.0F, NAN, -inf, -0.0F, inf, -NAN, -2, 0.0F}, {8}).to(dtype).to(device);
      CHECK(indices_of(x, false) == std::vector<int64_t>{2, 6, 0, 3, 7, 4, 1, 5});
      CHECK(indices_of(x, true) == std::vector<int64_t>{1, 5, 4, 0, 3, 7, 6, 2});
      CHECK(ops::topk(x, 3).indices.to_vector<int64_t>() == std::vector<int64_t>{1, 5, 4});
    }
  }
}

TEST_CASE("equal elements keep their order at every length and in every dtype") {
  const int64_t n = GENERATE(1, 2, 37, 256, 257, 1000, 4096, 4097, 9001);
  const bool descending = GENERATE(false, true);
  const std::vector<double> values = repetitive(n);
  const std::vector<int64_t> wanted = stable_order(values, descending);
  for (const Device device : test::devices()) {
    for (const DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64}) {
      const Tensor x = Tensor::from(values, {n}).to(dtype).to(device);
      CHECK(indices_of(x, descending) == wanted);
      const int64_t k = (n + 8) / 9;  // selected on the CPU, not sorted
      const auto top = ops::topk(x, k, 0, descending);
      CHECK(top.indices.to_vector<int64_t>() == std::vector<int64_t>(wanted.begin(), wanted.begin() + k));
    }
  }
}

TEST_CASE("bytes and truth values sort too") {
  for (const Device device : test::devices()) {
    const Tensor x = Tensor::from<uint8_t>({200, 0, 7, 200, 255}, {5}).to(device);
    CHECK(indices_of(x, false) == std::vector<int64_t>{1, 2, 0, 3, 4});
    CHECK(indices_of(x.to(DType::boolean), true) == std::vector<int64_t>{0, 2, 3, 4, 1});
  }
}

TEST_CASE("an axis in the middle is sorted by its own rows") {
  const Tensor x = Tensor::from<float>({3, 1, 2, 5, 1, 9, 4, 0, 8, 7, 6, 5}, {2, 3, 2});
  const ops::Sorted sorted = ops::sort(x, 1);
  CHECK(sorted.values.to_vector<float>() == std::vector<float>{1, 1, 2, 5, 3, 9, 4, 0, 6, 5, 8, 7});
  CHECK(sorted.indices.to_vector<int64_t>() == std::vector<int64_t>{2, 0, 1, 1, 0, 2, 0, 0, 2, 2, 1, 1});
  CHECK(ops::topk(x, 1, -2).values.to_vector<float>() == std::vector<float>{3, 9, 8, 7});
  CHECK(ops::topk(x, 1, 0, false).indices.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0, 0, 0, 1});
}

TEST_CASE("many rows are sorted by several tasks alike") {
  const std::vector<double> values = repetitive(int64_t{67} * 301);
  const Tensor x = Tensor::from(values, {67, 301});
  const auto indices = indices_of(x, false);
  for (size_t row = 0; row < 67; ++row) {
    const std::vector<double> own(values.begin() + row * 301, values.begin() + (row + 1) * 301);
    CHECK(std::vector<int64_t>(indices.begin() + row * 301, indices.begin() + (row + 1) * 301) ==
          stable_order(own, false));
  }
}

TEST_CASE("sort keys order the extremes of every type") {
  const auto in_order = []<class T>(std::vector<T> values) {
    for (size_t i = 0; i + 1 < values.size(); ++i) {
      CHECK(kernels::sort_key(values[i], false) < kernels::sort_key(values[i + 1], false));
      CHECK(kernels::sort_key(values[i], true) > kernels::sort_key(values[i + 1], true));
    }
  };
  in_order(
      std::vector<float>{-INFINITY, -FLT_MAX, -1, -FLT_MIN, -1e-45F, 0, 1e-45F, FLT_MIN, 1, FLT_MAX, INFINITY, NAN});
  in_order(std::vector<double>{-INFINITY, -DBL_MAX, -1, -5e-324, 0, 5e-324, 1, DBL_MAX, INFINITY, NAN});
  in_order(std::vector<int32_t>{INT32_MIN, -1, 0, 1, INT32_MAX});
  in_order(std::vector<int64_t>{INT64_MIN, -1, 0, 1, INT64_MAX});
  in_order(std::vector<uint8_t>{0, 1, 128, 255});
}
