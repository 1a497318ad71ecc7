#include "ops/conv_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

double bytes_of(Inputs in, Inputs out) {
  double bytes = 0;
  for (const Inputs tensors : {in, out}) {
    for (const Tensor& tensor : tensors) {
      bytes += tensor.defined() ? double(tensor.size_bytes()) : 0.0;
    }
  }
  return bytes;
}

const Conv2dOptions kPad1{.padding = {1, 1}};
const Conv2dOptions kStride2Pad1{.stride = {2, 2}, .padding = {1, 1}};
const Conv2dOptions kUneven{.stride = {2, 1}, .padding = {0, 2}, .dilation = {1, 3}};

}  // namespace

LV_OP_SPEC(Conv2d) {
  spec.cost([](Inputs in, Inputs out, const Conv2dOptions&) {
    return Cost{.bytes = bytes_of(in, out),
                .flops = 2 * double(out[0].numel()) * double(in[1].numel()) / double(in[1].size(0))};
  });
  spec.add("empty_N0", {floats({0, 4, 4, 3}), floats({2, 3, 1, 1})});
  spec.add("N1_1x1_C1_O1", {floats({1, 1, 1, 1}), floats({1, 1, 1, 1}), floats({1})});
  spec.add("N2_5x3_C7_O9_k1", {floats({2, 5, 3, 7}), floats({9, 7, 1, 1}), floats({9})});
  spec.add("N2_7x5_C3_O4_k3p1", {floats({2, 7, 5, 3}), floats({4, 3, 3, 3}), floats({4})}, kPad1);
  spec.add("N1_9x11_C7_O5_k3s2p1", {floats({1, 9, 11, 7}), floats({5, 7, 3, 3})}, kStride2Pad1);
  spec.add("N1_6x9_C2_O3_k2x3_uneven", {floats({1, 6, 9, 2}), floats({3, 2, 2, 3}), floats({3})}, kUneven);
  spec.add("N2_6x6_C6_O4_k3_groups2", {floats({2, 6, 6, 6}), floats({4, 3, 3, 3}), floats({4})},
           {.padding = {1, 1}, .groups = 2});
  spec.add("N1_5x5_C5_O10_k3_depthwise", {floats({1, 5, 5, 5}), floats({10, 1, 3, 3})},
           {.padding = {1, 1}, .groups = 5});
  spec.add("N1_8x7_C3_O4_k7s4p3", {floats({1, 8, 7, 3}), floats({4, 3, 7, 7})}, {.stride = {4, 4}, .padding = {3, 3}});
  spec.add("N3_8x8_C34_O35_k1_tails", {floats({3, 8, 8, 34}), floats({35, 34, 1, 1}), floats({35})});
  spec.error("x must be [N, H, W, C], got [3, 4, 5]", {floats({3, 4, 5}), floats({2, 5, 1, 1})});
  spec.error("weight must have C / groups = 4 / 2 input channels, got [2, 4, 1, 1]",
             {floats({1, 3, 3, 4}), floats({2, 4, 1, 1})}, {.groups = 2});
  spec.error("3 channels do not divide into 2 groups", {floats({1, 3, 3, 3}), floats({2, 3, 1, 1})}, {.groups = 2});
  spec.error("does not fit 2 cells with padding 0", {floats({1, 2, 2, 1}), floats({1, 1, 3, 3})});
  spec.error("bias must be [O] = [2], got [3]", {floats({1, 2, 2, 1}), floats({2, 1, 1, 1}), floats({3})});
  spec.error("dtypes differ: f32 and f64", {floats({1, 2, 2, 1}), {.shape = {2, 1, 1, 1}, .dtype = DType::f64}});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::accumulate(192));
}

LV_OP_SPEC(Conv2dInputGrad) {
  spec.add("empty_N0", {floats({0, 4, 4, 2}), floats({2, 3, 1, 1})}, {.conv = {}, .input = {4, 4}});
  spec.add("N2_7x5_C3_O4_k3p1", {floats({2, 7, 5, 4}), floats({4, 3, 3, 3})}, {.conv = kPad1, .input = {7, 5}});
  spec.add("N1_10x11_C7_O19_k3s2p1", {floats({1, 5, 6, 19}), floats({19, 7, 3, 3})},
           {.conv = kStride2Pad1, .input = {10, 11}});
  spec.add("N1_6x9_C2_O3_k2x3_uneven", {floats({1, 3, 7, 3}), floats({3, 2, 2, 3})},
           {.conv = kUneven, .input = {6, 9}});
  spec.add("N2_6x6_C6_O4_k3_groups2", {floats({2, 6, 6, 4}), floats({4, 3, 3, 3})},
           {.conv = {.padding = {1, 1}, .groups = 2}, .input = {6, 6}});
  spec.error("grad must be [1, 3, 3, 2], got [1, 4, 3, 2]", {floats({1, 4, 3, 2}), floats({2, 1, 1, 1})},
             {.conv = {}, .input = {3, 3}});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(171));
}

LV_OP_SPEC(Conv2dWeightGrad) {
  spec.add("empty_N0", {floats({0, 4, 4, 3}), floats({0, 4, 4, 2})}, {.conv = {}, .kernel = {1, 1}});
  spec.add("N2_7x5_C3_O4_k3p1", {floats({2, 7, 5, 3}), floats({2, 7, 5, 4})}, {.conv = kPad1, .kernel = {3, 3}});
  spec.add("N1_10x11_C7_O19_k3s2p1", {floats({1, 10, 11, 7}), floats({1, 5, 6, 19})},
           {.conv = kStride2Pad1, .kernel = {3, 3}});
  spec.add("N1_6x9_C2_O3_k2x3_uneven", {floats({1, 6, 9, 2}), floats({1, 3, 7, 3})},
           {.conv = kUneven, .kernel = {2, 3}});
  spec.add("N2_6x6_C6_O4_k3_groups2", {floats({2, 6, 6, 6}), floats({2, 6, 6, 4})},
           {.conv = {.padding = {1, 1}, .groups = 2}, .kernel = {3, 3}});
  spec.error("grad must be [1, 3, 3, 2], got [1, 4, 3, 2]", {floats({1, 3, 3, 1}), floats({1, 4, 3, 2})},
             {.conv = {}, .kernel = {1, 1}});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(128));
}
