#include "autograd/engine.h"

#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/gradcheck.h"

using namespace lv;
using namespace lv::autograd;

TEST_CASE("backward adds to a leaf's gradient, once for each path") {
  const Tensor x = Tensor::from<float>({1, 2, 3}, {3}).set_requires_grad();
  const Tensor y = add(x, add(x, x));
  y.backward(Tensor::from<float>({1, 10, 100}, {3}));
  REQUIRE(x.grad().to_vector<float>() == std::vector<float>{3, 30, 300});
  add(x, x).backward(Tensor::from<float>({1, 1, 1}, {3}));
  REQUIRE(x.grad().to_vector<float>() == std::vector<float>{5, 32, 302});
}

TEST_CASE("a chain of a million steps is differentiated and released without a deep stack") {
  const Tensor x = Tensor::scalar(1).set_requires_grad();
  const Tensor one = Tensor::scalar(1);
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) {
    y = add(y, one);
  }
  SECTION("differentiated") {
    y.backward();
    REQUIRE(x.grad().item() == 1);
  }
  SECTION("released unused") {
    y = {};
    REQUIRE(!x.grad().defined());
  }
}

TEST_CASE("grad returns gradients of inner tensors and leaves .grad alone") {
  const Tensor x = Tensor::from<double>({1, 2}, {2}).set_requires_grad();
  const Tensor unused = Tensor::scalar(3, DType::f64).set_requires_grad();
  const Tensor h = add(x, x);
  const Tensor y = sum_to(add(h, h), {});
  const std::vector<Tensor> grads = grad(std::vector{y}, std::vector{h, x, unused});
  REQUIRE(grads[0].to_vector<double>() == std::vector<double>{2, 2});
  REQUIRE(grads[1].to_vector<double>() == std::vector<double>{4, 4});
  REQUIRE(!grads[2].defined());
  REQUIRE(!x.grad().defined());
}
