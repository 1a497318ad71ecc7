#include "ops/shape_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Reshape) {
  spec.add("empty", {floats({0, 3})}, {{3, 0, 2}});
  spec.add("7x15_to_5x21", {floats({7, 15})}, {{5, 21}});
  spec.add("3x11x23_to_one_axis", {floats({3, 11, 23})}, {{-1}});
  spec.add("to_scalar", {floats({1, 1})}, {{}});
  spec.add("axes_of_one", {floats({5, 1, 3})}, {{1, 5, 3, 1}});
  spec.error("x [3, 4] of 12 elements does not fit [5, -1]", {floats({3, 4})}, {{5, -1}});
  spec.error("does not fit [3, 5]", {floats({3, 4})}, {{3, 5}});
  spec.error("only one size may be -1", {floats({3, 4})}, {{-1, -1}});
  spec.error("does not fit [0, -1]", {floats({0, 4})}, {{0, -1}});
  spec.error("must not be negative", {floats({3, 4})}, {{-3, -4}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Permute) {
  spec.add("empty", {floats({0, 3})}, {{1, 0}});
  spec.add("7x5", {floats({7, 5})}, {{1, 0}});
  spec.add("nhwc_to_nchw", {floats({2, 9, 7, 11})}, {{0, 3, 1, 2}});
  spec.add("from_the_end", {floats({3, 4, 5})}, {{-1, 0, -2}});
  spec.add("scalar", {floats({})}, {{}});
  spec.error("2 axes [1, 0] for x [3, 4, 5]", {floats({3, 4, 5})}, {{1, 0}});
  spec.error("axes [1, 1] must name every axis of x [3, 4] once", {floats({3, 4})}, {{1, 1}});
  spec.error("axis 2 is outside", {floats({3, 4})}, {{2, 0}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Slice) {
  spec.cost([](Inputs, Inputs, const Slice::Options&) { return Cost{}; });  // a view
  spec.add("empty", {floats({0, 3})}, {0, 0, kEnd, 1});
  spec.add("all", {floats({7, 5})});
  spec.add("rows", {floats({7, 5})}, {0, 2, 6, 1});
  spec.add("columns_from_the_end", {floats({31, 29})}, {-1, -7, -2, 1});
  spec.add("every_third", {floats({5, 47, 3})}, {1, 1, kEnd, 3});
  spec.add("limits_outside", {floats({9})}, {0, -100, 100, 2});
  spec.add("crossed_limits", {floats({9})}, {0, 5, 3, 1});
  spec.benchmark("N8_56x56_C64_half", {floats({8, 56, 56, 64})}, {3, 32, 64, 1});
  spec.error("step must be at least 1, got 0 (axis 1 of x [3, 4])", {floats({3, 4})}, {1, 0, 2, 0});
  spec.error("axis 2 is outside", {floats({3, 4})}, {2, 0, 1, 1});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(SliceBackward) {
  const auto slice_of = [](Shape x, int axis, int64_t begin, int64_t end, int64_t step) {
    return SliceBackward::Options{x, {axis, begin, end, step}};
  };
  spec.add("empty", {floats({0, 3})}, slice_of({0, 3}, 0, 0, kEnd, 1));
  spec.add("nothing_chosen", {floats({7, 0})}, slice_of({7, 5}, 1, 2, 2, 1));
  spec.add("rows", {floats({4, 5})}, slice_of({7, 5}, 0, 2, 6, 1));
  spec.add("columns", {floats({83, 9})}, slice_of({83, 19}, 1, 6, -4, 1));
  spec.add("middle_axis", {floats({3, 16, 7})}, slice_of({3, 47, 7}, 1, 1, kEnd, 3));
  spec.add("every_second_of_many", {floats({34, 37})}, slice_of({67, 37}, 0, 0, kEnd, 2));
  spec.add("several_chunks", {floats({2, 150, 131})}, slice_of({2, 301, 131}, 1, 77, 227, 1));
  spec.benchmark("N8_56x56_C64_half", {floats({8, 56, 56, 32})}, slice_of({8, 56, 56, 64}, 3, 32, 64, 1));
  spec.error("gradient must be [2, 4], got [3, 4] (x [5, 4])", {floats({3, 4})}, slice_of({5, 4}, 0, 1, 3, 1));
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Split) {
  spec.add("empty", {floats({0, 3})}, {{0, 0}, 0});
  spec.add("rows", {floats({7, 5})}, {{2, 0, 4, 1}, 0});
  spec.add("columns", {floats({23, 31})}, {{1, 30}, -1});
  spec.add("five_parts", {floats({3, 15, 2})}, {{1, 2, 3, 4, 5}, 1});
  spec.error("sizes 2+3 add up to 5, axis 0 of x [6, 4] has 6", {floats({6, 4})}, {{2, 3}, 0});
  spec.error("must not be negative, got -1", {floats({6, 4})}, {{7, -1}, 0});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Concat) {
  spec.add("empty", {floats({0, 3}), floats({0, 3})}, {0});
  spec.add("one", {floats({7, 3})}, {0});
  spec.add("rows", {floats({7, 5}), floats({0, 5}), floats({2, 5})}, {0});
  spec.add("channels", {floats({2, 9, 7, 3}), floats({2, 9, 7, 11}), floats({2, 9, 7, 1})}, {-1});
  spec.add("middle", {floats({3, 4, 5}), floats({3, 1, 5}), floats({3, 2, 5}), floats({3, 6, 5}), floats({3, 3, 5})},
           {1});
  spec.benchmark("N8_28x28_C64x4",
                 {floats({8, 28, 28, 64}), floats({8, 28, 28, 64}), floats({8, 28, 28, 64}), floats({8, 28, 28, 64})},
                 {3});
  spec.benchmark("class_token_N8_L196_C384", {floats({8, 1, 384}), floats({8, 196, 384})}, {1});
  spec.error("wants at least one tensor", {}, {0});
  spec.error("tensor 1 is [3, 5], tensor 0 is [3, 4]; only axis 0 may differ", {floats({3, 4}), floats({3, 5})}, {0});
  spec.error("tensor 1 is [3], tensor 0 is [3, 4]", {floats({3, 4}), floats({3})}, {0});
  spec.error("dtypes differ: f32 and, of tensor 1, i64", {floats({3}), integers({3}, 0, 5)}, {0});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Flip) {
  spec.add("empty", {floats({0, 3})}, {0b11});
  spec.add("none", {floats({4, 3})}, {0});
  spec.add("rows", {floats({7, 5})}, {0b01});
  spec.add("last", {floats({17, 37})}, {0b10});
  spec.add("width", {floats({2, 9, 7, 11})}, {0b0100});
  spec.add("all", {floats({3, 5, 7})}, {0b111});
  spec.benchmark("N8_56x56_C64_width", {floats({8, 56, 56, 64})}, {0b0100});
  spec.exempt("errors", "a mask of axes fits every tensor");
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(Roll) {
  spec.add("empty", {floats({0, 3})}, {{0, 1}});
  spec.add("none", {floats({4, 3})}, {{0, 0}});
  spec.add("rows", {floats({7, 5})}, {{3, 0}});
  spec.add("window", {floats({2, 9, 7, 11})}, {{0, 6, 3, 0}});
  spec.add("three_axes", {floats({3, 5, 7})}, {{1, 4, 2}});
  spec.benchmark("N8_56x56_C64_window", {floats({8, 56, 56, 64})}, {{0, 3, 3, 0}});
  spec.error("1 shifts for x [3, 4]", {floats({3, 4})}, {{1}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}
