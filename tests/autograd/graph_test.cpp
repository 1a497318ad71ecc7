// What a graph keeps, for how long, and who belongs to it.

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

/// a + b and a - b; the second output may be left without a gradient.
struct SumAndDifference : TestOp {
  static constexpr std::string_view kName = "test_sum_and_difference";
  struct Options {
    bool difference_counts = true;
  };
  static OutputSpecs infer(Inputs in, const Options&) {
    return {{in[0].shape(), DType::f64}, {in[0].shape(), DType::f64}};
  }
  static TensorList forward(Context& ctx, Inputs in, const Options& options) {
    if (!options.difference_counts) {
      ctx.non_differentiable(1);
    }
    return {map_elements(std::plus<>(), in[0], in[1]), map_elements(std::minus<>(), in[0], in[1])};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) {
    const auto& [shape, dtype] = ctx.output_spec();
    const Tensor of_sum = grads[0].defined() ? grads[0] : Tensor::zeros(shape, dtype);
    const Tensor of_difference = grads[1].defined() ? grads[1] : Tensor::zeros(shape, dtype);
    return {map_elements(std::plus<>(), of_sum, of_difference), map_elements(std::minus<>(), of_sum, of_difference)};
  }
  static TensorList reference(Inputs in, const Options&) { return {in[0], in[0]}; }
};

/// Gives a gradient of another shape than its input's.
struct Misshapen : TestOp {
  static constexpr std::string_view kName = "test_misshapen";
  static TensorList forward(Context&, Inputs in, const Options&) { return {in[0].clone()}; }
  static TensorList backward(Context&, Inputs, const Options&) { return {Tensor::zeros({7}, DType::f64)}; }
};

}  // namespace

TEST_CASE("a saved tensor that was written to through another view is noticed") {
  const Tensor x = leaf({2, 3});
  const Tensor table = Tensor::zeros({3, 2}, DType::f64);
  const Tensor y = multiply(x, table.select(0, 1));
  table.select(0, 2).fill(4);
  CHECK_THROWS_WITH(y.backward(Tensor::full({2}, 1, DType::f64)), Contains("test_multiply") &&
                                                                      Contains("saved tensor 1 of shape [2]") &&
                                                                      Contains("version 0, now 1"));
}

TEST_CASE("a detached tensor shares the array and stands outside the graph") {
  const Tensor x = leaf({2, 3});
  const Tensor y = multiply(x, x);
  const Tensor cut = y.detach();
  CHECK(cut.storage() == y.storage());
  CHECK(!cut.requires_grad());
  sum_to(multiply(x, cut), {}).backward();
  CHECK(values_of(x.grad()) == std::vector<double>{4, 9});
}

TEST_CASE("nothing is recorded without grad mode, and guards restore what was before") {
  const Tensor x = leaf({2, 3});
  {
    const NoGradGuard no_grad;
    CHECK(!multiply(x, x).requires_grad());
    {
      const EnableGradGuard recording;
      CHECK(multiply(x, x).requires_grad());
    }
    CHECK(!multiply(x, x).requires_grad());
  }
  CHECK(multiply(x, x).requires_grad());
  CHECK(!multiply(x.detach(), x.detach()).requires_grad());
  CHECK_THROWS_WITH(multiply(x.detach(), x.detach()).backward(Tensor::full({2}, 1, DType::f64)),
                    Contains("does not depend on anything that requires a gradient"));
}

TEST_CASE("an op with several outputs receives the gradients of those that were used") {
  const Tensor a = leaf({2, 3});
  const Tensor b = leaf({5, 7});
  const TensorList both = apply<SumAndDifference>({a, b});
  const Tensor seed = Tensor::from<double>({1, 10}, {2});
  SECTION("both") {
    const std::vector<Tensor> grads = grad(std::vector{both[0], both[1]}, std::vector{a, b}, std::vector{seed, seed});
    CHECK(values_of(grads[0]) == std::vector<double>{2, 20});
    CHECK(values_of(grads[1]) == std::vector<double>{0, 0});
  }
  SECTION("the second only") {
    const std::vector<Tensor> grads = grad(std::vector{both[1]}, std::vector{a, b}, std::vector{seed});
    CHECK(values_of(grads[0]) == std::vector<double>{1, 10});
    CHECK(values_of(grads[1]) == std::vector<double>{-1, -10});
  }
  SECTION("an output that carries no gradient") {
    const TensorList outputs = apply<SumAndDifference>({a, b}, {.difference_counts = false});
    CHECK(outputs[0].requires_grad());
    CHECK(!outputs[1].requires_grad());
  }
}

TEST_CASE("a gradient of the wrong shape names the op that gave it and the op that gets it") {
  const Tensor x = leaf({2, 3});
  const Tensor y = apply<Misshapen>({multiply(x, x)})[0];
  CHECK_THROWS_WITH(y.backward(Tensor::full({2}, 1, DType::f64)),
                    Contains("test_misshapen gives a gradient of shape [7] for output 0 of test_multiply, which has "
                             "shape [2]"));
}

TEST_CASE("gradients are differentiable themselves where the graph of the backward pass is made") {
  const Tensor x = leaf({2, 3});
  const Tensor y = sum_to(multiply(x, multiply(x, x)), {});  // x^3
  const std::vector<Tensor> first = grad(std::vector{y}, std::vector{x}, {}, {.create_graph = true});
  CHECK(values_of(first[0]) == std::vector<double>{12, 27});  // 3 x^2
  const std::vector<Tensor> second =
      grad(std::vector{sum_to(first[0], {})}, std::vector{x}, {}, {.create_graph = true});
  CHECK(values_of(second[0]) == std::vector<double>{12, 18});  // 6 x
  const std::vector<Tensor> third = grad(std::vector{sum_to(second[0], {})}, std::vector{x});
  CHECK(values_of(third[0]) == std::vector<double>{6, 6});
  CHECK(!third[0].requires_grad());
}

TEST_CASE("gradients reach every leaf of a wide graph, in both orders of use") {
  std::vector<Tensor> leaves;
  Tensor sum = Tensor::zeros({1}, DType::f64);
  for (int i = 0; i < 1000; ++i) {
    leaves.push_back(leaf({double(i)}));
    sum = i % 2 == 0 ? add(sum, multiply(leaves.back(), leaves.back()))
                     : add(multiply(leaves.back(), leaves.back()), sum);
  }
  sum.backward();
  for (int i = 0; i < 1000; ++i) {
    CHECK(leaves[size_t(i)].grad().item() == 2.0 * i);
  }
}
