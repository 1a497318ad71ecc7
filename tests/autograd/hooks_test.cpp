#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/engine.h"
#include "tests/autograd/test_ops.h"

using namespace lv;
using namespace lv::autograd;
using namespace lv::test;
using Catch::Contains;

namespace {

Tensor leaf(std::initializer_list<double> values) {
  return Tensor::from<double>(values, {int64_t(values.size())}).set_requires_grad();
}

std::vector<double> values_of(const Tensor& tensor) { return tensor.to_vector<double>(); }

Tensor ones(int64_t count) { return Tensor::full({count}, 1, DType::f64); }

}  // namespace

TEST_CASE("a hook sees the complete gradient once and may replace it") {
  const Tensor x = leaf({1, 2});
  const Tensor h = add(x, x);
  std::vector<std::vector<double>> seen;
  register_hook(h, [&](const Tensor& grad) {
    seen.push_back(values_of(grad));
    return map_elements([](double g) { return 10 * g; }, grad);
  });
  register_hook(h, [&](const Tensor& grad) {
    seen.push_back(values_of(grad));
    return Tensor{};
  });
  add(h, add(h, h)).backward(ones(2));
  CHECK(seen == std::vector<std::vector<double>>{{3, 3}, {30, 30}});
  CHECK(values_of(x.grad()) == std::vector<double>{60, 60});
}

TEST_CASE("a hook of a leaf works on the gradient before it is added") {
  const Tensor x = leaf({1, 2});
  register_hook(x, [](const Tensor& grad) { return map_elements([](double g) { return -g; }, grad); });
  add(x, x).backward(ones(2));
  add(x, x).backward(ones(2));
  CHECK(values_of(x.grad()) == std::vector<double>{-4, -4});
}

TEST_CASE("a hook's replacement must have the gradient's shape") {
  const Tensor x = leaf({1, 2});
  register_hook(x, [](const Tensor&) { return ones(3); });
  CHECK_THROWS_WITH(add(x, x).backward(ones(2)), Contains("a hook gives a gradient of shape [3]"));
  CHECK_THROWS_WITH(register_hook(ones(2), [](const Tensor&) { return Tensor{}; }),
                    Contains("register_hook: the tensor does not require a gradient"));
}

TEST_CASE("a leaf's hook after accumulation runs once per backward, when its gradient is final") {
  const Tensor x = leaf({1, 2});
  std::vector<std::vector<double>> seen;
  register_post_accumulate_hook(x, [&](const Tensor& of) { seen.push_back(values_of(of.grad())); });
  // Three uses at different depths, as a network that sees several crops.
  add(multiply(x, ones(2)), add(x, multiply(multiply(x, ones(2)), ones(2)))).backward(ones(2));
  CHECK(seen == std::vector<std::vector<double>>{{3, 3}});
  add(x, x).backward(ones(2));
  CHECK(seen == std::vector<std::vector<double>>{{3, 3}, {5, 5}});
  CHECK_THROWS_WITH(register_post_accumulate_hook(add(x, x), [](const Tensor&) {}), Contains("wants a leaf"));
}
