#include "scaled_add.h"
#include "tests/specs/spec.h"

using namespace lv::specs;
using example::ScaledAdd;

LV_OP_SPEC(ScaledAdd) {
  spec.add("empty", {floats({0, 3}), floats({0, 3})}, {0.5});
  spec.add("7x5", {floats({7, 5}), floats({7, 5})}, {-2.0});
  spec.add("3x11x23", {floats({3, 11, 23}), floats({3, 11, 23})}, {0.25});
  spec.error("shapes differ: a [3, 4], b [4, 3]", {floats({3, 4}), floats({4, 3})});
  spec.error("dtypes differ: a f32, b i64", {floats({3}), integers({3}, 0, 9)});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::elementwise());
}
