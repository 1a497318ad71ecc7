#include "ops/interpolate.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Interpolate) {
  const auto how = [](Interpolation mode, bool align_corners = false, bool antialias = false) {
    return InterpolateOptions{mode, align_corners, antialias};
  };
  spec.add("empty_N0", {floats({0, 3, 3, 2})}, {how(Interpolation::bilinear), {6, 6}});
  spec.add("nearest_5x3_to_7x8", {floats({1, 5, 3, 19})}, {how(Interpolation::nearest), {7, 8}});
  spec.add("nearest_exact_7x8_to_3x5", {floats({1, 7, 8, 3})}, {how(Interpolation::nearest_exact), {3, 5}});
  spec.add("bilinear_7x5_C41_to_14x9", {floats({1, 7, 5, 41})}, {how(Interpolation::bilinear), {14, 9}});
  spec.add("bilinear_corners_5x3_to_9x4", {floats({2, 5, 3, 3})}, {how(Interpolation::bilinear, true), {9, 4}});
  spec.add("bilinear_by_2.5", {floats({1, 5, 3, 17})}, {how(Interpolation::bilinear), {12, 7}, 2.5, 2.5});
  spec.add("bicubic_5x7_to_9x4", {floats({1, 5, 7, 3})}, {how(Interpolation::bicubic), {9, 4}});
  spec.add("bilinear_antialias_13x11_to_4x5", {floats({1, 13, 11, 5})},
           {how(Interpolation::bilinear, false, true), {4, 5}});
  spec.add("bicubic_antialias_9x9_to_4x13", {floats({1, 9, 9, 2})},
           {how(Interpolation::bicubic, false, true), {4, 13}});
  spec.add("transposed", {floats({1, 9, 4, 3})},
           {.how = how(Interpolation::bilinear), .size = {9, 4}, .is_transposed = true, .input = {5, 3}});
  const Arg small = floats({8, 28, 28, 256});
  const Arg large = floats({8, 56, 56, 256});
  spec.benchmark("nearest_N8_28x28_C256_to_56", {small}, {how(Interpolation::nearest), {56, 56}});
  spec.benchmark("bilinear_N8_28x28_C256_to_56", {small}, {how(Interpolation::bilinear), {56, 56}});
  spec.benchmark("bicubic_N8_28x28_C256_to_56", {small}, {how(Interpolation::bicubic), {56, 56}});
  spec.benchmark("bilinear_N8_56x56_C256_to_28", {large}, {how(Interpolation::bilinear), {28, 28}});
  spec.benchmark("bilinear_corners_N2_65x65_C21_to_513", {floats({2, 65, 65, 21})},
                 {how(Interpolation::bilinear, true), {513, 513}});
  spec.benchmark("bilinear_antialias_N8_256x256_C3_to_224", {floats({8, 256, 256, 3})},
                 {how(Interpolation::bilinear, false, true), {224, 224}});
  spec.error("x must be [N, H, W, C], got [3, 4]", {floats({3, 4})}, {how(Interpolation::bilinear), {2, 2}});
  spec.error("output size 0 x 2", {floats({1, 3, 4, 1})}, {how(Interpolation::bilinear), {0, 2}});
  spec.error("need bilinear or bicubic", {floats({1, 3, 4, 1})}, {how(Interpolation::nearest, true), {2, 2}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(40));
}
