#include "ops/elementwise.h"

#include "ops/elementwise_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::specs;
using kernels::BinaryFunction;
using kernels::Comparison;
using kernels::UnaryFunction;
using ops::Binary;
using ops::Compare;
using ops::Unary;
using ops::Where;

namespace {

/// Where a function of one argument is sampled, and what it may lose.
struct Domain {
  double low = -2;
  double high = 2;
  std::vector<double> kinks = {};
  Tolerance tolerance = Tolerance::elementwise();
};

template <class Op>
void define_unary(SpecBuilder<Op>& spec, const Domain& domain, ops::UnaryOptions options = {}) {
  const auto values = [&](const Shape& shape) { return avoiding(shape, domain.kinks, domain.low, domain.high); };
  spec.add("empty", {values({0, 3})}, options);
  spec.add("scalar", {floats({}, 0.5, 1)},
           options);  // away from zeros of the function, where only absolute errors count
  spec.add("7x5", {values({7, 5})}, options);
  spec.add("3x11x23", {values({3, 11, 23})}, options);
  spec.benchmark("N8_56x56_C64", {values({8, 56, 56, 64})}, options);
  spec.error("x must be floating, got i64 [3]", {integers({3}, 0, 9)}, options);
  spec.differentiable({0}).twice_differentiable().tolerance(domain.tolerance);
}

template <class Op>
void define_binary(SpecBuilder<Op>& spec, double low, double high, Tolerance tolerance = Tolerance::elementwise()) {
  const auto values = [&](const Shape& shape) { return floats(shape, low, high); };
  spec.add("empty", {values({0, 3}), values({3})});
  spec.add("same_7x83", {values({7, 83}), values({7, 83})});
  spec.add("row_5x3x37", {values({5, 3, 37}), values({37})});
  spec.add("outer_5x1x3_7x1", {values({5, 1, 3}), values({7, 1})});
  spec.add("scalar", {values({}), values({3, 5})});
  spec.benchmark("N8_56x56_C64", {values({8, 56, 56, 64}), values({8, 56, 56, 64})});
  spec.benchmark("N8_56x56_C64_row", {values({8, 56, 56, 64}), values({64})});
  spec.error("[3, 4] and [3] do not broadcast", {values({3, 4}), values({3})});
  spec.error("dtypes differ", {values({3}), integers({3}, 0, 5)});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(tolerance);
}

template <class Op>
void define_comparison(SpecBuilder<Op>& spec) {
  spec.add("empty", {floats({0, 3}), floats({3})});
  spec.add("integers_7x83", {integers({7, 83}, -2, 3), integers({83}, -2, 3)});
  spec.add("floats_9x7", {floats({9, 7}), floats({9, 7})});
  spec.add("number", {integers({3, 5}, -2, 3), absent()}, {1.0});
  spec.add("masks", {mask({5, 3}), mask({5, 1})});
  spec.benchmark("N8_56x56_C64", {floats({8, 56, 56, 64}), floats({8, 56, 56, 64})});
  spec.error("do not broadcast", {floats({3, 4}), floats({3})});
  spec.error("dtypes differ", {floats({3}), integers({3}, 0, 5)});
  spec.tolerance(Tolerance::exact());
}

}  // namespace

#define LV_UNARY_SPEC(Name, function, ...)     \
  using Name = Unary<UnaryFunction::function>; \
  LV_OP_SPEC(Name) { define_unary(spec, __VA_ARGS__); }

LV_UNARY_SPEC(Affine, affine, {}, {-1.5, 0.25})
LV_UNARY_SPEC(DivideBy, divide_by, {}, {3.0})
LV_UNARY_SPEC(DivideInto, divide_into, {0.5, 2}, {3.0})
LV_UNARY_SPEC(Square, square, {})
LV_UNARY_SPEC(Sqrt, sqrt, {0.25, 2})
LV_UNARY_SPEC(Rsqrt, rsqrt, {0.25, 2})
LV_UNARY_SPEC(PowScalar, pow_scalar, {0.25, 2}, {2.5})
LV_UNARY_SPEC(Exp, exp, {})
LV_UNARY_SPEC(Expm1, expm1, {})
LV_UNARY_SPEC(Log, log, {0.25, 2})
LV_UNARY_SPEC(Log1p, log1p, {-0.75, 2})
LV_UNARY_SPEC(Erf, erf, {})
LV_UNARY_SPEC(Sin, sin, {-4, 4})
LV_UNARY_SPEC(Cos, cos, {-4, 4})
LV_UNARY_SPEC(Abs, abs, {.kinks = {0}})
LV_UNARY_SPEC(Round, round, {.kinks = {-1.5, -0.5, 0.5, 1.5}})
LV_UNARY_SPEC(Floor, floor, {.kinks = {-2, -1, 0, 1, 2}})
LV_UNARY_SPEC(Clamp, clamp, {.kinks = {-0.5, 1}}, {-0.5, 1.0})
LV_UNARY_SPEC(Relu, relu, {.kinks = {0}})
LV_UNARY_SPEC(LeakyRelu, leaky_relu, {.kinks = {0}}, {0.125})
LV_UNARY_SPEC(Sigmoid, sigmoid, {-6, 6})
LV_UNARY_SPEC(Tanh, tanh, {-4, 4})
LV_UNARY_SPEC(Silu, silu, {-6, 6})
LV_UNARY_SPEC(Gelu, gelu, {-4, 4})
LV_UNARY_SPEC(GeluTanh, gelu_tanh, {-4, 4})
LV_UNARY_SPEC(Hardswish, hardswish, {-5, 5, {-3, 3}})
LV_UNARY_SPEC(Softplus, softplus, {-6, 6}, {2.0})

#define LV_BINARY_SPEC(Name, function, ...)      \
  using Name = Binary<BinaryFunction::function>; \
  LV_OP_SPEC(Name) { define_binary(spec, __VA_ARGS__); }

LV_BINARY_SPEC(Sub, sub, -1, 1)
LV_BINARY_SPEC(Mul, mul, -1, 1)
LV_BINARY_SPEC(Div, div, 0.5, 2)
LV_BINARY_SPEC(Minimum, minimum, -40, 40)
LV_BINARY_SPEC(Maximum, maximum, -40, 40)
LV_BINARY_SPEC(Pow, pow, 0.5, 2, Tolerance{8})  // its logarithm multiplies the rounding of the base

#define LV_COMPARISON_SPEC(Name, comparison)    \
  using Name = Compare<Comparison::comparison>; \
  LV_OP_SPEC(Name) { define_comparison(spec); }

LV_COMPARISON_SPEC(Equal, eq)
LV_COMPARISON_SPEC(NotEqual, ne)
LV_COMPARISON_SPEC(Less, lt)
LV_COMPARISON_SPEC(LessEqual, le)
LV_COMPARISON_SPEC(Greater, gt)
LV_COMPARISON_SPEC(GreaterEqual, ge)
LV_COMPARISON_SPEC(LogicalAnd, logical_and)
LV_COMPARISON_SPEC(LogicalOr, logical_or)

LV_OP_SPEC(Where) {
  spec.add("empty", {mask({0, 3}), floats({3}), floats({0, 3})});
  spec.add("7x83", {mask({7, 83}), floats({7, 83}), floats({7, 83})});
  spec.add("broadcast", {mask({5, 1}), floats({3, 1, 7}), floats({1})});
  spec.add("fill", {mask({5, 3}), floats({5, 3}), absent()}, {0.5});
  spec.add("filled_first", {mask({5, 3}), absent(), floats({3})}, {-0.5});
  spec.benchmark("N8_56x56_C64", {mask({8, 56, 56, 64}), floats({8, 56, 56, 64}), floats({8, 56, 56, 64})});
  spec.error("mask", {floats({3}), floats({3}), floats({3})});
  spec.error("do not broadcast", {mask({4}), floats({3}), floats({3})});
  spec.differentiable({1, 2}).twice_differentiable().tolerance(Tolerance::exact());
}
