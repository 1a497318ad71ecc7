#include "ops/reduce_definitions.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Sum) {
  spec.add("empty_rows", {floats({0, 3})}, {.axes = 0b01});
  spec.add("empty_outputs", {floats({0, 3})}, {.axes = 0b10, .keepdim = true});
  spec.add("scalar", {floats({})});
  spec.add("rows_37x19", {floats({37, 19})}, {.axes = 0b01});
  spec.add("columns_37x19", {floats({37, 19})}, {.axes = 0b10, .keepdim = true});
  spec.add("middle_3x41x5", {floats({3, 41, 5})}, {.axes = 0b010});
  spec.add("ends_7x13x11", {floats({7, 13, 11})}, {.axes = 0b101});
  spec.add("all_3x5x41", {floats({3, 5, 41})});
  spec.error("must be floating", {integers({3}, 0, 5)});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(600));
}

LV_OP_SPEC(Spread) {
  spec.add("empty", {floats({0})}, {{.axes = 0b01}, {3, 0}});
  spec.add("no_rows", {floats({3})}, {{.axes = 0b01}, {0, 3}});
  spec.add("rows", {floats({19})}, {{.axes = 0b01}, {37, 19}});
  spec.add("columns", {floats({37, 1})}, {{.axes = 0b10, .keepdim = true}, {37, 19}});
  spec.add("all", {floats({})}, {{}, {3, 5, 41}});
  spec.error("to fill", {floats({4})}, {{.axes = 0b01}, {5, 3}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
  spec.exempt("tail", "makes a view: no loop runs over its elements");
}
