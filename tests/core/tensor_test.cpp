#include "core/tensor.h"

#include <catch2/catch.hpp>
#include <numeric>

using namespace lv;
using Catch::Contains;

namespace {

/// 0, 1, 2, ... in row-major order.
Tensor counting(const Shape& shape) {
  std::vector<float> values(size_t(numel(shape)));
  std::iota(values.begin(), values.end(), 0.0F);
  return Tensor::from(values, shape);
}

std::vector<float> values_of(const Tensor& tensor) { return tensor.to_vector<float>(); }

}  // namespace

TEST_CASE("views share storage and read the elements they name") {
  const Tensor x = counting({2, 3, 4});
  CHECK(values_of(x.select(0, 1).select(0, 2)) == std::vector<float>{20, 21, 22, 23});
  CHECK(values_of(x.slice(2, 1, 4, 2).select(0, 0)) == std::vector<float>{1, 3, 5, 7, 9, 11});
  CHECK(values_of(x.permute({2, 0, 1}).select(0, 3)) == std::vector<float>{3, 7, 11, 15, 19, 23});
  CHECK(values_of(x.slice(0, 0, 1).expand({3, 3, 4}).select(0, 2)) == values_of(x.select(0, 0)));
  CHECK(x.transpose(0, 2).storage() == x.storage());
  CHECK(x.unsqueeze(1).shape() == Shape{2, 1, 3, 4});
  CHECK(x.unsqueeze(3).is_contiguous());
}

TEST_CASE("view cuts and merges axes where strides allow, and says so where they do not") {
  const Tensor x = counting({2, 3, 4});
  CHECK(x.view({6, -1}).shape() == Shape{6, 4});
  const Tensor rows = x.slice(2, 0, 2);  // [2, 3, 2] with strides 12, 4, 1
  CHECK(values_of(rows.view({6, 2})) == values_of(rows));
  CHECK_THROWS_WITH(rows.view({12}), Contains("without a copy"));
  CHECK_THROWS_WITH(x.view({5, -1}), Contains("does not fit"));
  CHECK(Tensor::empty({0, 3}).view({3, 0}).numel() == 0);
}

TEST_CASE("a view outside its storage is refused") {
  const Tensor x = counting({4});
  CHECK_THROWS_WITH(x.as_strided({3}, {2}, 0), Contains("outside a storage of 4 elements"));
  CHECK_THROWS_WITH(x.slice(0, 2, 5), Contains("slice"));
  CHECK_THROWS_WITH(x.select(0, 4), Contains("outside [0, 4)"));
  CHECK_THROWS_WITH(x.permute({1}), Contains("permute"));
}

TEST_CASE("conversions round to nearest even, truncate, and compare with zero") {
  const Tensor x = Tensor::from<float>({0.0F, -1.75F, 2.5F, 1.00390625F}, {4});
  CHECK(x.to(DType::i32).to_vector<int32_t>() == std::vector<int32_t>{0, -1, 2, 1});
  CHECK(x.to(DType::bf16).to(DType::f32).to_vector<float>() == std::vector<float>{0.0F, -1.75F, 2.5F, 1.0F});
  CHECK(x.to(DType::boolean).to(DType::i64).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 1, 1});
  CHECK(x.to(DType::f32).is_same(x));
}

TEST_CASE("copies between layouts keep the elements") {
  const Tensor x = counting({3, 5});
  const Tensor target = Tensor::zeros({5, 3});
  target.transpose(0, 1).copy_from(x);
  CHECK(values_of(target) == values_of(x.transpose(0, 1)));
  CHECK(target.version() == 1);
  CHECK_THROWS_AS(target.copy_from(x), ShapeError);
}

TEST_CASE("conversion keeps the order of dense axes in memory") {
  const Tensor weight = counting({2, 4, 5, 3}).permute({0, 3, 1, 2});  // logically OIHW, physically OHWI
  const Tensor wide = weight.to(DType::f64);
  CHECK(wide.strides() == weight.strides());
  CHECK(wide.to(DType::f32).to_vector<float>() == weight.to_vector<float>());
  CHECK(counting({4, 6}).slice(1, 0, 3).to(DType::f64).is_contiguous());
}

TEST_CASE("item wants one element, data the right type") {
  CHECK(Tensor::scalar(2.5, DType::f16).item() == 2.5);
  CHECK_THROWS_WITH(counting({2}).item(), Contains("[2]"));
  CHECK_THROWS_WITH(std::ignore = counting({2}).data<double>(), Contains("f32") && Contains("f64"));
}

TEST_CASE("printing shows values, dtype and shape, and only the edges of large tensors") {
  CHECK(to_string(Tensor::from<float>({1, 2.5, -3}, {3})) == "tensor([1, 2.5, -3], f32 [3])");
  CHECK(to_string(counting({2, 2})) == "tensor([[0, 1],\n [2, 3]], f32 [2, 2])");
  CHECK_THAT(to_string(counting({100, 100})), Contains("...") && Contains("9999"));
  CHECK(to_string(Tensor{}) == "tensor(undefined)");
}

TEST_CASE("offsets are 64-bit: elements past 2^31 are reached") {
  const int64_t count = (int64_t(1) << 31) + 5;
  const Tensor x = Tensor::zeros({count}, DType::u8);
  x.data<uint8_t>()[count - 1] = 7;
  CHECK(x.select(0, count - 1).item() == 7);
  CHECK(x.slice(0, count - 3, count).contiguous().to_vector<uint8_t>() == std::vector<uint8_t>{0, 0, 7});
}

TEST_CASE("shapes above the maximal rank are refused") {
  CHECK_THROWS_WITH((Shape{1, 1, 1, 1, 1, 1, 1}), Contains("maximum of 6"));
  CHECK_THROWS_WITH(Tensor::empty({2, -1}), Contains("negative"));
  CHECK_THROWS_WITH(broadcast_shapes({2, 3}, {4}, "add"), Contains("add: shapes [2, 3] and [4]"));
}
