#include "ops/dropout.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Dropout) {
  spec.add("empty", {floats({0, 3})}, {{7, 1}, 0.5});
  spec.add("7x5_large_key", {floats({7, 5})}, {{0x123456789abcdefU, 0x1000000070000003U}, 0.25});
  spec.add("3x11x23", {floats({3, 11, 23})}, {{1, 3}, 0.5});
  spec.add("per_sample_9x7x11", {floats({9, 7, 11})}, {{1, 4}, 0.5, true});
  spec.benchmark("N8_L197_C1536", {floats({8, 197, 1536})}, {{1, 3}, 0.1});
  spec.error("the rate must lie in [0, 1), got 1", {floats({3})}, {{}, 1.0});
  spec.error("x must be floating, got i64", {integers({3}, 0, 5)}, {{}, 0.5});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::elementwise());
}
