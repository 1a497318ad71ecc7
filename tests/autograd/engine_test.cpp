#include "autograd/engine.h"

#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "tests/autograd/square.h"

using namespace lv;
using namespace lv::autograd;
using Catch::Contains;
using lv::test::square;

namespace {

Tensor leaf(std::initializer_list<float> values) {
  return Tensor::from<float>(values, {int64_t(values.size())}).set_requires_grad();
}

std::vector<float> values_of(const Tensor& tensor) { return tensor.to_vector<float>(); }

}  // namespace

TEST_CASE("backward adds to a leaf's gradient, once for each path") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = add(x, add(x, x));
  y.backward(Tensor::from<float>({1, 10, 100}, {3}));
  CHECK(values_of(x.grad()) == std::vector<float>{3, 30, 300});
  add(x, x).backward(Tensor::from<float>({1, 1, 1}, {3}));
  CHECK(values_of(x.grad()) == std::vector<float>{5, 32, 302});
}

TEST_CASE("backward leaves the seed and saved tensors as they were") {
  const Tensor x = leaf({1, 2});
  const Tensor seed = Tensor::from<float>({1, 1}, {2});
  contiguous(alias(x)).backward(seed);
  alias(x).backward(seed);
  CHECK(values_of(seed) == std::vector<float>{1, 1});
  CHECK(values_of(x.grad()) == std::vector<float>{2, 2});
}

TEST_CASE("a gradient set beforehand is added to in place") {
  const Tensor x = leaf({1, 2});
  const Tensor bucket = Tensor::zeros({4});
  x.set_grad(bucket.slice(0, 2, 4));
  alias(x).backward(Tensor::from<float>({3, 4}, {2}));
  CHECK(values_of(bucket) == std::vector<float>{0, 0, 3, 4});
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
    CHECK(x.grad().item() == 1);
  }
  SECTION("released unused") {
    y = {};
    CHECK(!x.grad().defined());
  }
}

TEST_CASE("grad returns gradients of inner tensors and leaves .grad alone") {
  const Tensor x = leaf({1, 2});
  const Tensor unused = Tensor::scalar(3).set_requires_grad();
  const Tensor h = add(x, x);
  const Tensor y = sum_to(add(h, h), {});
  const std::vector<Tensor> grads = grad(std::vector{y}, std::vector{h, x, unused});
  CHECK(values_of(grads[0]) == std::vector<float>{2, 2});
  CHECK(values_of(grads[1]) == std::vector<float>{4, 4});
  CHECK(!grads[2].defined());
  CHECK(!x.grad().defined());
}

TEST_CASE("nothing is recorded under NoGradGuard, and a detached tensor has no history") {
  const Tensor x = leaf({1, 2});
  {
    const NoGradGuard no_grad;
    CHECK(!add(x, x).requires_grad());
  }
  CHECK(!add(x, x).detach().requires_grad());
  CHECK_THROWS_WITH(backward(Tensor::scalar(1)), Contains("does not depend on anything"));
}

TEST_CASE("hooks see the complete gradient and may replace it") {
  const Tensor x = leaf({1, 2});
  const Tensor h = alias(x);
  int calls = 0;
  register_hook(h, [&](const Tensor& grad) {
    ++calls;
    return add(grad, grad);
  });
  int accumulated = 0;
  register_post_accumulate_hook(x, [&](const Tensor& leaf_tensor) {
    ++accumulated;
    CHECK(values_of(leaf_tensor.grad()) == std::vector<float>{4, 4});
  });
  add(h, h).backward(Tensor::from<float>({1, 1}, {2}));
  CHECK(calls == 1);
  CHECK(accumulated == 1);
}

TEST_CASE("a graph is differentiated once unless it is retained; a freed one says so") {
  const Tensor x = leaf({3});
  const Tensor y = square(x);
  backward(y, {}, {.retain_graph = true});
  backward(y);
  CHECK(x.grad().item() == 12);
  CHECK_THROWS_WITH(backward(y), Contains("square") && Contains("freed") && Contains("retain_graph"));
}

TEST_CASE("a saved tensor that was written to afterwards is noticed") {
  const Tensor x = leaf({3});
  const Tensor y = square(x);
  x.fill(4);
  CHECK_THROWS_WITH(backward(y), Contains("square: saved tensor 0 of shape [1] was changed"));
}

TEST_CASE("a seed of another shape or dtype is refused") {
  const Tensor x = leaf({1, 2});
  CHECK_THROWS_WITH(backward(add(x, x)), Contains("[2] needs a seed"));
  CHECK_THROWS_WITH(backward(add(x, x), Tensor::zeros({3})), Contains("[3]") && Contains("[2]"));
  CHECK_THROWS_WITH(backward(add(x, x), Tensor::zeros({2}, DType::f64)), Contains("f64"));
}

TEST_CASE("second derivatives go through the backward that is made of ops, or through the reference") {
  const Tensor x = Tensor::scalar(3, DType::f64).set_requires_grad();
  const HigherOrderGuard keep_inputs;
  const Tensor first = grad(std::vector{square(square(x))}, std::vector{x}, {}, {.create_graph = true})[0];
  CHECK(first.item() == Approx(4 * 27));
  CHECK(grad(std::vector{first}, std::vector{x})[0].item() == Approx(12 * 9));
}

TEST_CASE("a second derivative without kept inputs says what to do") {
  const Tensor x = Tensor::scalar(3).set_requires_grad();
  CHECK_THROWS_WITH(grad(std::vector{square(x)}, std::vector{x}, {}, {.create_graph = true}),
                    Contains("HigherOrderGuard"));
}

TEST_CASE("anomaly mode names the forward call of the first bad gradient") {
  const AnomalyGuard anomaly;
  const Tensor x = leaf({1});
  Tensor y;
  {
    const CallScope network("network");
    const CallScope layer("layer1");
    y = square(x);
  }
  CHECK_THROWS_WITH(backward(y, Tensor::full({1}, INFINITY)), Contains("network > layer1 > square"));
}

TEST_CASE("gradcheck reports input, element and both values of a wrong backward") {
  const auto wrong = [](Inputs in) { return TensorList{test::square_with_wrong_backward(in[0])}; };
  const Tensor x = Tensor::from<double>({1, 2}, {2}).set_requires_grad();
  const GradcheckReport report = gradcheck(wrong, {&x, 1});
  CHECK(!report.is_ok);
  CHECK_THAT(report.text, Contains("input 0 element 1") && Contains("central difference"));
  const auto right = [](Inputs in) { return TensorList{square(in[0])}; };
  CHECK(gradcheck(right, {&x, 1}).is_ok);
}
