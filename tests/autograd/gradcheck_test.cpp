// That wrong gradients are found and named: by gradcheck, and by anomaly mode.

#include "autograd/gradcheck.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/basic_ops.h"
#include "autograd/engine.h"
#include "tests/autograd/test_ops.h"

using namespace lv;
using namespace lv::autograd;
using namespace lv::test;
using Catch::Contains;

namespace {

/// a * b, whose gradient of b is wrong at one element.
struct WrongMultiply : TestOp {
  static constexpr std::string_view kName = "test_wrong_multiply";
  static constexpr int64_t kWrong = 2;
  static TensorList forward(Context& ctx, Inputs in, const Options&) {
    ctx.save(in[0]);
    ctx.save(in[1]);
    return {map_elements(std::multiplies<>(), in[0], in[1])};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) {
    const Tensor of_a = map_elements(std::multiplies<>(), grads[0], ctx.saved(1));
    const Tensor of_b = map_elements(std::multiplies<>(), grads[0], ctx.saved(0));
    of_b.data<double>()[kWrong] *= 1.001;
    return {of_a, of_b};
  }
};

struct SquareRoot : TestOp {
  static constexpr std::string_view kName = "test_square_root";
  static TensorList forward(Context& ctx, Inputs in, const Options&) {
    const Tensor y = map_elements([](double x) { return std::sqrt(x); }, in[0]);
    ctx.save_output(y);
    return {y};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) {
    return {map_elements([](double g, double y) { return g / (2 * y); }, grads[0], ctx.saved(0))};
  }
};

struct Once : SquareRoot {
  static constexpr std::string_view kName = "test_once";
  static constexpr SecondOrder kSecondOrder = SecondOrder::none;
};

Tensor leaf(std::initializer_list<double> values) {
  return Tensor::from<double>(values, {int64_t(values.size())}).set_requires_grad();
}

}  // namespace

TEST_CASE("gradcheck accepts a right gradient and names the place of a wrong one") {
  const Tensor in[] = {leaf({1, 2, 3}), leaf({-2, 0.5, 1})};
  const GradcheckReport right = gradcheck([](Inputs x) { return apply<Multiply>(x); }, in);
  INFO(right.text);
  CHECK(right.is_ok);
  CHECK(right.worst_error < 1e-9);
  const GradcheckReport wrong = gradcheck([](Inputs x) { return apply<WrongMultiply>(x); }, in);
  CHECK(!wrong.is_ok);
  CHECK_THAT(wrong.text, Contains("input 1 element 2: backward gives") && Contains("central difference") &&
                             Contains("input 1 direction 0") && !Contains("input 0") && !Contains("element 1"));
  CHECK(wrong.worst_error < 2e-3);
}

TEST_CASE("gradcheck differentiates only what asks for it, in float64") {
  const Tensor a = leaf({1, 2, 3});
  const Tensor b = Tensor::from<double>({-2, 0.5, 1}, {3});
  const Tensor one_leaf[] = {a, b};
  CHECK(gradcheck([](Inputs x) { return apply<WrongMultiply>(x); }, one_leaf).is_ok);
  const Tensor none[] = {b, b};
  CHECK_THROWS_WITH(gradcheck([](Inputs x) { return apply<Multiply>(x); }, none), Contains("no output depends"));
  const Tensor single[] = {Tensor::from<float>({1, 2}, {2}).set_requires_grad()};
  CHECK_THROWS_WITH(gradcheck([](Inputs x) -> TensorList { return {add(x[0], x[0])}; }, single),
                    Contains("input 0 must be f64, got f32"));
}

TEST_CASE("anomaly mode names the call chain of the first gradient that is not finite") {
  const Tensor x = leaf({1, 0, 4});
  const auto forward = [&] {
    const CallScope network("network");
    const CallScope layer("layer2");
    return apply<SquareRoot>({multiply(x, x)})[0];
  };
  const Tensor seed = Tensor::full({3}, 1, DType::f64);
  SECTION("recorded in anomaly mode") {
    const AnomalyGuard anomaly;
    CHECK_THROWS_WITH(forward().backward(seed), Contains("anomaly: test_square_root gives a gradient with NaN or "
                                                         "infinity") &&
                                                    Contains("network > layer2 > test_square_root"));
  }
  SECTION("recorded outside of it") {
    const Tensor y = forward();
    const AnomalyGuard anomaly;
    CHECK_THROWS_WITH(y.backward(seed), Contains("recorded outside anomaly mode"));
  }
  SECTION("off") {
    forward().backward(seed);
    CHECK(std::isnan(x.grad().to_vector<double>()[1]));
  }
}

TEST_CASE("an op whose backward is not differentiable says so") {
  const Tensor x = leaf({1, 4});
  const Tensor y = sum_to(apply<Once>({x})[0], {});
  CHECK_THROWS_WITH(grad(std::vector{y}, std::vector{x}, {}, {.create_graph = true}),
                    "test_once: cannot be differentiated twice");
}
