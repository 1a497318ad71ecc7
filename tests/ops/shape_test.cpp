#include "ops/shape.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "autograd/engine.h"
#include "autograd/registry.h"

using namespace lv;
using Catch::Contains;

namespace {

/// 0, 1, 2, ... in row-major order.
Tensor counting(const Shape& shape) {
  std::vector<int64_t> values(size_t(numel(shape)));
  std::iota(values.begin(), values.end(), 0);
  return Tensor::from(values, shape);
}

std::vector<int64_t> values_of(const Tensor& tensor) { return tensor.to_vector<int64_t>(); }

int64_t reshape_copies() { return autograd::op_statistics("reshape").contiguous_copies; }

}  // namespace

TEST_CASE("views share the memory of what they show") {
  const Tensor x = counting({2, 3, 4});
  for (const Tensor& view : {ops::reshape(x, {6, 4}), ops::flatten(x), ops::unsqueeze(x, 1), ops::permute(x, {2, 0, 1}),
                             ops::transpose(x, 0, -1), ops::slice(x, 2, 1, 3), ops::select(x, 1, -1),
                             ops::split(x, {1, 3}, 2)[1], ops::chunk(x, 2)[0]}) {
    CHECK(view.storage() == x.storage());
  }
}

TEST_CASE("reshape copies only where strides do not allow a view, and counts it") {
  const Tensor x = counting({2, 3, 4});
  const int64_t before = reshape_copies();
  const Tensor columns = ops::slice(x, 2, 0, 2);
  CHECK(ops::reshape(columns, {6, 2}).storage() == x.storage());
  CHECK(reshape_copies() == before);
  const Tensor copy = ops::reshape(columns, {12});
  CHECK(reshape_copies() == before + 1);
  CHECK(values_of(copy) == std::vector<int64_t>{0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21});
  CHECK_THROWS_WITH(ops::view(columns, {12}), Contains("[2, 3, 2]") && Contains("[12, 4, 1]") && Contains("[12]"));
  CHECK(ops::view(columns, {-1, 2}).shape() == Shape{6, 2});
}

TEST_CASE("flatten, squeeze and unsqueeze give the shapes they promise") {
  const Tensor x = counting({2, 3, 4, 5});
  CHECK(ops::flatten(x).shape() == Shape{120});
  CHECK(ops::flatten(x, 1, 2).shape() == Shape{2, 12, 5});
  CHECK(ops::flatten(x, 0, -2).shape() == Shape{24, 5});
  CHECK(ops::flatten(Tensor::scalar(1)).shape() == Shape{1});
  CHECK(ops::unsqueeze(x, -1).shape() == Shape{2, 3, 4, 5, 1});
  CHECK(ops::squeeze(ops::unsqueeze(x, 2), 2).shape() == x.shape());
  CHECK_THROWS_WITH(ops::squeeze(x, 1), "squeeze: axis 1 of x [2, 3, 4, 5] has size 3, not 1");
  CHECK_THROWS_WITH(ops::flatten(x, 2, 1), Contains("axis 2 lies behind axis 1"));
}

TEST_CASE("slice and select read limits as Python does") {
  const Tensor x = counting({7});
  CHECK(values_of(ops::slice(x, 0, -3)) == std::vector<int64_t>{4, 5, 6});
  CHECK(values_of(ops::slice(x, 0, 1, -1, 2)) == std::vector<int64_t>{1, 3, 5});
  CHECK(values_of(ops::slice(x, 0, -100, 2)) == std::vector<int64_t>{0, 1});
  CHECK(values_of(ops::slice(x, 0, 5, 3)).empty());
  CHECK(ops::select(x, 0, -2).item() == 5);
  CHECK_THROWS_WITH(ops::select(x, 0, 7), "select: index 7 is outside [-7, 7) (axis 0 of x [7])");
  CHECK_THROWS_WITH(ops::select(x, 0, -8), Contains("index -8"));
}

TEST_CASE("split and chunk cut an axis into the parts that were asked for") {
  const Tensor x = counting({7, 2});
  const auto sizes_of = [](const std::vector<Tensor>& parts) {
    std::vector<int64_t> sizes;
    for (const Tensor& part : parts) {
      sizes.push_back(part.size(0));
    }
    return sizes;
  };
  CHECK(sizes_of(ops::split(x, 3)) == std::vector<int64_t>{3, 3, 1});
  CHECK(sizes_of(ops::split(x, 7)) == std::vector<int64_t>{7});
  CHECK(sizes_of(ops::chunk(x, 3)) == std::vector<int64_t>{3, 3, 1});
  CHECK(sizes_of(ops::chunk(x, 5)) == std::vector<int64_t>{2, 2, 2, 1});
  CHECK(sizes_of(ops::chunk(counting({0, 2}), 3)) == std::vector<int64_t>{0});
  CHECK(values_of(ops::split(x, {5, 2})[1]) == std::vector<int64_t>{10, 11, 12, 13});
  CHECK_THROWS_WITH(ops::split(x, 0), Contains("at least 1, got 0"));
  CHECK_THROWS_WITH(ops::chunk(x, 0), Contains("at least 1 part"));
}

TEST_CASE("a part of a split that nobody uses counts as zeros in the gradient") {
  const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5}, {5}).set_requires_grad();
  const auto parts = ops::split(x, {2, 2, 1});
  autograd::backward(parts[1], Tensor::from<float>({10, 20}, {2}));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 0, 10, 20, 0});
}

TEST_CASE("concat and stack put tensors together along an old or a new axis") {
  const Tensor a = counting({2, 2});
  const Tensor b = ops::flip(a, {0, 1});
  CHECK(values_of(ops::concat({a, b})) == std::vector<int64_t>{0, 1, 2, 3, 3, 2, 1, 0});
  CHECK(values_of(ops::concat({a, b}, 1)) == std::vector<int64_t>{0, 1, 3, 2, 2, 3, 1, 0});
  CHECK(ops::stack({a, b}).shape() == Shape{2, 2, 2});
  CHECK(values_of(ops::stack({a, b}, -1)) == std::vector<int64_t>{0, 3, 1, 2, 2, 1, 3, 0});
  CHECK_THROWS_WITH(ops::stack({a, ops::flatten(a)}), "stack: all tensors must have one shape, got [2, 2] and [4]");
  CHECK_THROWS_WITH(ops::stack({}), Contains("at least one tensor"));
}

TEST_CASE("roll moves elements round an axis, adding up shifts of the same one") {
  const Tensor x = counting({5});
  CHECK(values_of(ops::roll(x, {2}, {0})) == std::vector<int64_t>{3, 4, 0, 1, 2});
  CHECK(values_of(ops::roll(x, {-1}, {-1})) == std::vector<int64_t>{1, 2, 3, 4, 0});
  CHECK(values_of(ops::roll(x, {13, -9}, {0, 0})) == std::vector<int64_t>{1, 2, 3, 4, 0});
  CHECK_THROWS_WITH(ops::roll(x, {1, 2}, {0}), Contains("2 shifts for 1 axes"));
}
