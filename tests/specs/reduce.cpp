#include "ops/reduce_definitions.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

// Cases cover terms that lie together (inner), outputs that do (outer), several chunks of each, and none at all.
template <class Op, class Draw>
void define_reduction(SpecBuilder<Op>& spec, Draw draw,
                      const std::function<typename Op::Options(ReduceOptions)>& wrap) {
  spec.add("empty_outputs", {draw({0, 3})}, wrap({.axes = 0b10, .keepdim = true}));
  spec.add("scalar", {draw({})}, wrap({}));
  spec.add("rows_1x37x19", {draw({1, 37, 19})}, wrap({.axes = 0b011}));
  spec.add("columns_37x19", {draw({37, 19})}, wrap({.axes = 0b10, .keepdim = true}));
  spec.add("middle_3x41x5", {draw({3, 41, 5})}, wrap({.axes = 0b010}));
  spec.add("ends_7x13x11", {draw({7, 13, 11})}, wrap({.axes = 0b101}));
  spec.add("all_3x5x41", {draw({3, 5, 41})}, wrap({}));
  spec.add("chunks_of_terms_3x10937", {draw({3, 10937})}, wrap({}));
  spec.add("chunks_of_rows_1x10957x3", {draw({1, 10957, 3})}, wrap({.axes = 0b011}));
  spec.benchmark("N8_56x56_C64_to_C", {draw({8, 56, 56, 64})}, wrap({.axes = 0b0111}));
  spec.benchmark("N8_7x7_C2048_to_NC", {draw({8, 7, 7, 2048})}, wrap({.axes = 0b0110}));
  spec.benchmark("N8_L197_C384_to_NL", {draw({8, 197, 384})}, wrap({.axes = 0b100}));
  spec.benchmark("all_1Mi", {draw({1 << 20})}, wrap({}));
  spec.error("must be floating", {integers({3}, 0, 5)}, wrap({}));
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(600));
}

ReduceOptions as_is(ReduceOptions options) { return options; }
Arg uniform(const Shape& shape) { return floats(shape); }

}  // namespace

LV_OP_SPEC(Sum) {
  define_reduction(spec, uniform, as_is);
  spec.add("first_axis_37x19", {floats({37, 19})}, {.axes = 0b01});
  spec.add("no_terms", {floats({0, 3})}, {.axes = 0b01});
}

LV_OP_SPEC(Mean) { define_reduction(spec, uniform, as_is); }

LV_OP_SPEC(Amax) {
  define_reduction(spec, distinct, as_is);
  spec.error("no elements to choose from", {floats({0, 3})}, {.axes = 0b01});
  spec.tolerance(Tolerance::exact());
}

LV_OP_SPEC(Amin) {
  define_reduction(spec, distinct, as_is);
  spec.error("no elements to choose from", {floats({0, 3})}, {.axes = 0b01});
  spec.tolerance(Tolerance::exact());
}

LV_OP_SPEC(Var) {
  const auto estimate = [](ReduceOptions reduction) { return VarOptions{reduction, 0}; };
  define_reduction(spec, uniform, estimate);
  spec.add("unbiased", {floats({7, 83})}, {{.axes = 0b10}, 1});
  // The squared mean is 10,000 times the variance: one pass over squares would lose four digits.
  spec.add("offset", {floats({7, 83}, 57, 59)}, {{.axes = 0b10}, 1});
}

LV_OP_SPEC(LogSumExp) {
  const auto wide = [](const Shape& shape) { return floats(shape, -4, 4); };
  define_reduction(spec, wide, as_is);
  spec.add("large", {floats({5, 7}, 95, 100)}, {.axes = 0b10});
  spec.add("no_terms", {floats({0, 3})}, {.axes = 0b01});
}

LV_OP_SPEC(Norm) {
  define_reduction(spec, positive, as_is);
  spec.add("no_terms", {floats({0, 3})}, {.axes = 0b01});
}

LV_OP_SPEC(Spread) {
  spec.add("empty", {floats({0})}, {{.axes = 0b01}, {3, 0}});
  spec.add("no_rows", {floats({3})}, {{.axes = 0b01}, {0, 3}});
  spec.add("rows", {floats({19})}, {{.axes = 0b01}, {37, 19}});
  spec.add("columns", {floats({37, 1})}, {{.axes = 0b10, .keepdim = true}, {37, 19}});
  spec.add("middle", {floats({5, 7})}, {{.axes = 0b010}, {5, 3, 7}});
  spec.add("all", {floats({})}, {{}, {3, 5, 41}});
  spec.error("to fill", {floats({4})}, {{.axes = 0b01}, {5, 3}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
  spec.exempt("tail", "makes a view: no loop runs over its elements");
}

namespace {

template <class Op>
void define_search(SpecBuilder<Op>& spec) {
  spec.add("empty", {distinct({0, 3})}, {.axis = 1});
  spec.add("rows_7x83", {distinct({7, 83})}, {.axis = 1});
  spec.add("columns_83x7", {distinct({83, 7})}, {.axis = 0, .keepdim = true});
  spec.add("middle_3x5x41", {distinct({3, 5, 41})}, {.axis = 1});
  spec.add("ties_9x31", {Arg{.shape = {9, 31}, .fill = Fill::integers, .low = 0, .high = 4}}, {.axis = 1});
  spec.benchmark("N8_56x56_C21", {floats({8, 56, 56, 21})}, {.axis = 3});
  spec.error("must be floating", {integers({3}, 0, 5)}, {.axis = 0});
  spec.error("no elements to choose from", {floats({3, 0})}, {.axis = 1});
  spec.tolerance(Tolerance::exact());
}

}  // namespace

LV_OP_SPEC(ArgMax) { define_search(spec); }
LV_OP_SPEC(ArgMin) { define_search(spec); }

LV_OP_SPEC(Cumsum) {
  spec.add("empty", {floats({0, 3})}, {.axis = 0});
  spec.add("rows_7x83", {floats({7, 83})}, {.axis = 1});
  spec.add("columns_83x7", {floats({83, 7})}, {.axis = 0});
  spec.add("middle_3x5x41", {floats({3, 5, 41})}, {.axis = 1, .is_reverse = true});
  spec.add("long_2x700", {floats({2, 700})}, {.axis = 1, .is_reverse = true});
  spec.add("many_3x2050", {floats({3, 2050})}, {.axis = 0});
  spec.benchmark("N8_L197_C384", {floats({8, 197, 384})}, {.axis = 1});
  spec.error("must be floating", {integers({3}, 0, 5)}, {.axis = 0});
  spec.error("no axis", {floats({})}, {.axis = 0});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(4));
}
