#include "autograd/basic_op_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::autograd;
using namespace lv::specs;

LV_OP_SPEC(Cast) {
  spec.add("empty_to_bf16", {floats({0, 3})}, {DType::bf16});
  spec.add("7x5_to_f64", {floats({7, 5})}, {DType::f64});
  spec.add("3x11x23_to_f32", {floats({3, 11, 23})}, {DType::f32});
  spec.add("3_to_i64", {floats({3}, -9, 9)}, {DType::i64});
  spec.dtypes({DType::f32, DType::f64}).tolerance(Tolerance::exact());
  spec.exempt("errors", "every dtype converts to every other");
}

LV_OP_SPEC(Contiguous) {
  spec.add("empty", {floats({3, 0})});
  spec.add("7x5", {floats({7, 5})});
  spec.add("3x11x23", {floats({3, 11, 23})});
  spec.add("scalar", {floats({})});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
  spec.exempt("errors", "takes any tensor");
}

LV_OP_SPEC(Expand) {
  spec.add("empty", {floats({0, 1})}, {{0, 3}});
  spec.add("same", {floats({3, 11, 23})}, {{3, 11, 23}});
  spec.add("new_axes", {floats({5})}, {{3, 2, 5}});
  spec.add("1x7_to_83x7", {floats({1, 7})}, {{83, 7}});
  spec.add("middle", {floats({19, 1, 31})}, {{19, 3, 31}});
  spec.error("do not broadcast", {floats({3, 4})}, {{3, 5}});
  spec.error("does not expand", {floats({3, 4})}, {{1, 4}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(SumTo) {
  spec.add("empty", {floats({0, 3})}, {{1, 3}});
  spec.add("rows", {floats({37, 19})}, {{1, 19}});
  spec.add("columns", {floats({37, 19})}, {{37, 1}});
  spec.add("leading", {floats({2, 3, 5})}, {{5}});
  spec.add("all", {floats({3, 5, 41})}, {{}});
  spec.error("do not broadcast", {floats({3, 4})}, {{2}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(600));
}

LV_OP_SPEC(AddOp) {
  spec.add("empty", {floats({0, 3}), floats({3})});
  spec.add("same", {floats({7, 83}), floats({7, 83})});
  spec.add("broadcast", {floats({5, 1, 3}), floats({7, 1})});
  spec.add("scalar", {floats({}), floats({3, 5})});
  spec.benchmark("8", {floats({8}), floats({8})});
  spec.benchmark("N8_56x56_C64", {floats({8, 56, 56, 64}), floats({8, 56, 56, 64})});
  spec.error("do not broadcast", {floats({3, 4}), floats({3})});
  spec.error("dtypes differ", {floats({3}), integers({3}, 0, 5)});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::elementwise());
}
