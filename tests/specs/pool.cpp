#include "ops/pool.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(MaxPool2d) {
  spec.add("empty_N0", {distinct({0, 4, 4, 3})}, {.pool = {.kernel = {2, 2}}});
  spec.add("N1_5x7_C3_k3s2p1", {distinct({1, 5, 7, 3})},
           {.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}});
  spec.add("N2_9x6_C67_k2_ceil", {distinct({2, 9, 6, 67})}, {.pool = {.kernel = {2, 2}, .ceil_mode = true}});
  spec.add("N1_9x8_C5_k3x2_dilated", {distinct({1, 9, 8, 5})},
           {.pool = {.kernel = {3, 2}, .stride = Size2d{1, 2}, .padding = {1, 0}, .dilation = {2, 3}}});
  spec.add("N1_20x19_C2_k17", {distinct({1, 20, 19, 2})}, {.pool = {.kernel = {17, 16}, .stride = Size2d{1, 1}}});
  spec.add("N1_7x5_C3_adaptive", {distinct({1, 7, 5, 3})}, {.pool = {.kernel = {}}, .adaptive = Size2d{3, 2}});
  spec.benchmark("N8_112x112_C64_k3s2p1", {distinct({8, 112, 112, 64})},
                 {.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}});
  spec.benchmark("N8_56x56_C256_k2s2p0", {distinct({8, 56, 56, 256})}, {.pool = {.kernel = {2, 2}}});
  spec.error("x must be [N, H, W, C], got [3, 4, 5]", {floats({3, 4, 5})}, {.pool = {.kernel = {2, 2}}});
  spec.error("does not fit 2 cells", {floats({1, 2, 5, 1})}, {.pool = {.kernel = {3, 3}}});
  spec.error("padding 2 must lie in", {floats({1, 5, 5, 1})}, {.pool = {.kernel = {3, 3}, .padding = {2, 1}}});
  spec.differentiable({0}).tolerance(Tolerance::exact());
}

LV_OP_SPEC(AvgPool2d) {
  spec.add("empty_N0", {floats({0, 4, 4, 3})}, {.pool = {.kernel = {2, 2}}});
  spec.add("N1_5x7_C3_k3s2p1", {floats({1, 5, 7, 3})},
           {.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}});
  spec.add("N2_9x6_C67_k2_ceil_nopad", {floats({2, 9, 6, 67})},
           {.pool = {.kernel = {2, 3},
                     .stride = Size2d{2, 2},
                     .padding = {1, 1},
                     .ceil_mode = true,
                     .count_include_pad = false}});
  spec.add("N1_6x8_C2_ceil_pad", {floats({1, 6, 8, 2})},
           {.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}, .ceil_mode = true}});
  spec.add("N1_4x4_C3_divisor", {floats({1, 4, 4, 3})}, {.pool = {.kernel = {2, 2}, .divisor_override = 3}});
  spec.add("N1_7x5_C3_adaptive", {floats({1, 7, 5, 3})}, {.pool = {.kernel = {}}, .adaptive = Size2d{3, 2}});
  spec.add("N2_7x7_C5_global", {floats({2, 7, 7, 5})}, {.pool = {.kernel = {}}, .adaptive = Size2d{1, 1}});
  spec.benchmark("N8_56x56_C256_k2s2p0", {floats({8, 56, 56, 256})}, {.pool = {.kernel = {2, 2}}});
  spec.benchmark("N8_56x56_C64_k3s2p1", {floats({8, 56, 56, 64})},
                 {.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}});
  spec.benchmark("N8_7x7_C2048_global", {floats({8, 7, 7, 2048})}, {.pool = {.kernel = {}}, .adaptive = Size2d{1, 1}});
  spec.error("x must be [N, H, W, C]", {floats({3, 4})}, {.pool = {.kernel = {2, 2}}});
  spec.error("output size 0 x 1", {floats({1, 2, 5, 1})}, {.pool = {.kernel = {}}, .adaptive = Size2d{0, 1}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(64));
}

LV_OP_SPEC(AvgPool2dBackward) {
  spec.add("empty_N0", {floats({0, 2, 2, 3})}, {{.pool = {.kernel = {2, 2}}}, {4, 4}});
  spec.add("N1_5x7_C3_k3s2p1", {floats({1, 3, 4, 3})},
           {{.pool = {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}}, {5, 7}});
  spec.add("N2_7x5_C41_adaptive", {floats({2, 3, 3, 41})},
           {{.pool = {.kernel = {}}, .adaptive = Size2d{3, 3}}, {7, 5}});
  spec.error("the gradient must be [1, 2, 2, 3], got [1, 3, 2, 3]", {floats({1, 3, 2, 3})},
             {{.pool = {.kernel = {2, 2}}}, {4, 4}});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(16));
}
