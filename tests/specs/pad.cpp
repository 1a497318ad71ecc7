#include "ops/pad.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(ConstantPad) {
  spec.add("empty", {floats({0, 3})}, {{{1, 2}}, 0.5});
  spec.add("last_axis", {floats({7, 5})}, {{{1, 2}}, 0.5});
  spec.add("nothing", {floats({3, 4})}, {{{0, 0}}, 0.5});
  spec.add("all_axes", {floats({3, 5, 7, 17})}, {{{1, 0}, {0, 2}, {1, 1}, {2, 1}}, -1.5});
  spec.add("from_nothing", {floats({2, 0, 3})}, {{{0, 0}, {2, 1}}, 0.25});
  spec.add("image", {floats({2, 9, 7, 11})}, {{{0, 0}, {1, 1}, {2, 0}}, 0.0});
  spec.add("crop", {floats({4, 9, 7})}, {{{1, 2}, {0, 3}}, 0.0, true});
  spec.benchmark("N8_56x56_C64_p1", {floats({8, 56, 56, 64})}, {{{0, 0}, {1, 1}, {1, 1}}, 0.0});
  spec.error("amounts must not be negative", {floats({3, 4})}, {{{-1, 2}}, 0.0});
  spec.error("2 amounts for shape [3]", {floats({3})}, {{{1, 1}, {1, 1}}, 0.0});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(MirrorPad) {
  spec.add("empty_N0", {floats({0, 3, 3, 2})}, {{1, 1}, {1, 1}, Mirror::reflect});
  spec.add("reflect_5x4_C31", {floats({1, 5, 4, 31})}, {{2, 1}, {3, 0}, Mirror::reflect});
  spec.add("replicate_3x5", {floats({2, 3, 5, 3})}, {{4, 1}, {0, 2}, Mirror::replicate});
  spec.add("reflect_transposed", {floats({1, 8, 7, 3})}, {{2, 1}, {3, 0}, Mirror::reflect, true});
  spec.error("reflection needs amounts below the size", {floats({1, 3, 4, 1})}, {{3, 0}, {0, 0}, Mirror::reflect});
  spec.error("x must be [N, H, W, C]", {floats({3, 4, 1})}, {{1, 0}, {0, 0}, Mirror::reflect});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(8));
}
