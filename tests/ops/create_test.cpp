#include "ops/create.h"

#include <catch2/catch.hpp>

using namespace lv;
using Catch::Contains;

TEST_CASE("arange counts from begin, before end") {
  CHECK(ops::arange(0, 5).to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(ops::arange(1, 2, 0.25, DType::f64).to_vector<double>() == std::vector<double>{1, 1.25, 1.5, 1.75});
  CHECK(ops::arange(3, -2, -2, DType::i64).to_vector<int64_t>() == std::vector<int64_t>{3, 1, -1});
  CHECK(ops::arange(3, 3).numel() == 0);
  CHECK(ops::arange(1e15, 1e15 + 3, 1, DType::i64).to_vector<int64_t>()[2] == 1'000'000'000'000'002);
  CHECK_THROWS_WITH(ops::arange(0, 5, -1), "arange: steps of -1 do not lead from 0 to 5");
  CHECK_THROWS_WITH(ops::arange(0, 5, 0), Contains("steps of 0"));
}

TEST_CASE("linspace meets both ends exactly") {
  const auto values = ops::linspace(-0.3, 0.7, 11, DType::f64).to_vector<double>();
  CHECK(values.front() == -0.3);
  CHECK(values.back() == 0.7);
  CHECK(values[5] == Approx(0.2));
  CHECK(ops::linspace(2, 9, 1).to_vector<float>() == std::vector<float>{2});
  CHECK(ops::linspace(2, 9, 0).numel() == 0);
  CHECK_THROWS_WITH(ops::linspace(0, 1, -1), Contains("count must not be negative"));
}

TEST_CASE("tensors like another one have its shape, dtype and device") {
  const Tensor x = Tensor::zeros({2, 3}, DType::bf16).transpose(0, 1);
  CHECK(ops::zeros_like(x).shape() == Shape{3, 2});
  CHECK(ops::full_like(x, 2.5).to(DType::f32).to_vector<float>() == std::vector<float>(6, 2.5F));
  CHECK(ops::ones_like(x).dtype() == DType::bf16);
  CHECK(ops::ones_like(x).is_contiguous());
}
