#include "ops/matmul_definitions.h"
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

}  // namespace

LV_OP_SPEC(Matmul) {
  spec.cost([](Inputs in, Inputs out, const Matmul::Options& options) {
    const double depth = double(in[0].size(options.transpose_a ? -2 : -1));
    return Cost{.bytes = bytes_of(in, out), .flops = 2 * depth * double(out[0].numel())};
  });
  spec.add("empty_M0", {floats({0, 3}), floats({3, 4})});
  spec.add("empty_K0", {floats({2, 3, 0}), floats({2, 0, 4})});
  spec.add("1x1x1", {floats({1, 1}), floats({1, 1})});
  spec.add("13x37x29", {floats({13, 37}), floats({37, 29})});
  spec.add("130x40x270_blocks", {floats({130, 40}), floats({40, 270})});
  spec.add("517x64x130_rows_cut", {floats({517, 64}), floats({64, 130})});
  spec.add("3x64x1029_columns_cut", {floats({3, 64}), floats({1029, 64})}, {.transpose_b = true});
  spec.add("5x300x7_deep", {floats({5, 300}), floats({300, 7})});
  spec.add("37x13x29_ta", {floats({37, 13}), floats({37, 29})}, {.transpose_a = true});
  spec.add("13x37x29_tb", {floats({13, 37}), floats({29, 37})}, {.transpose_b = true});
  spec.add("13x7x5_tab", {floats({7, 13}), floats({5, 7})}, {.transpose_a = true, .transpose_b = true});
  spec.add("batch3_4x5x6", {floats({3, 4, 5}), floats({3, 5, 6})});
  spec.add("batch3_shared_b", {floats({3, 4, 5}), floats({5, 6})});
  spec.add("batch3_shared_b_ta", {floats({3, 5, 4}), floats({5, 6})}, {.transpose_a = true});
  spec.add("batch3_shared_a_tb", {floats({4, 5}), floats({3, 6, 5})}, {.transpose_b = true});
  spec.add("batch2x1_1x3", {floats({2, 1, 4, 5}), floats({3, 5, 6})});
  spec.add("batch2x3_1x3_tab", {floats({2, 3, 5, 4}), floats({1, 3, 6, 5})},
           {.transpose_a = true, .transpose_b = true});
  spec.add("5x6x35_bias", {floats({5, 6}), floats({6, 35}), floats({35})});
  spec.add("17x1x40_relu", {avoiding({17, 1}, {0}, -2, 2), avoiding({1, 40}, {0}, -2, 2)},
           {.activation = Activation::relu});
  spec.add("batch3_9x5x33_bias_gelu", {floats({3, 9, 5}), floats({3, 5, 33}), floats({33})},
           {.activation = Activation::gelu});
  spec.add("batch2_5x9x8_ta_silu", {floats({2, 9, 5}), floats({2, 9, 8})},
           {.transpose_a = true, .activation = Activation::silu});
  spec.benchmark("1576x384x1152", {floats({1576, 384}), floats({384, 1152})});
  spec.benchmark("batch48_197x64x197_tb", {floats({48, 197, 64}), floats({48, 197, 64})}, {.transpose_b = true});
  spec.benchmark("batch48_197x197x64", {floats({48, 197, 197}), floats({48, 197, 64})});
  spec.error("wants at least two axes each, got [3] and [3, 4]", {floats({3}), floats({3, 4})});
  spec.error("inner sizes differ: [2, 3] x [4, 5]", {floats({2, 3}), floats({4, 5})});
  spec.error("[2] and [3]", {floats({2, 4, 5}), floats({3, 5, 6})});
  spec.error("dtypes differ: f32 and f64", {floats({2, 3}), {.shape = {3, 2}, .dtype = DType::f64}});
  spec.error("bias must be [out] = [4], got [3]", {floats({2, 3}), floats({3, 4}), floats({3})});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::accumulate(300));
}

LV_OP_SPEC(Linear) {
  spec.cost([](Inputs in, Inputs out, const Linear::Options&) {
    return Cost{.bytes = bytes_of(in, out), .flops = 2 * double(in[1].size(1)) * double(out[0].numel())};
  });
  spec.add("empty_rows", {floats({0, 3}), floats({4, 3}), floats({4})});
  spec.add("1x1x1", {floats({1, 1}), floats({1, 1}), floats({1})});
  spec.add("33x19_17", {floats({33, 19}), floats({17, 19}), floats({17})});
  spec.add("2x5x3x7_9_no_bias", {floats({2, 5, 3, 7}), floats({9, 7})});
  spec.add("3x45x20_33", {floats({3, 45, 20}), floats({33, 20}), floats({33})});
  spec.add("45x20_33_gelu", {floats({45, 20}), floats({33, 20}), floats({33})}, {.activation = Activation::gelu});
  spec.add("4x3_5_gelu_tanh", {floats({4, 3}), floats({5, 3})}, {.activation = Activation::gelu_tanh});
  spec.benchmark("1576x384_1536_gelu", {floats({8, 197, 384}), floats({1536, 384}), floats({1536})},
                 {.activation = Activation::gelu});
  spec.benchmark("1576x384_1152", {floats({8, 197, 384}), floats({1152, 384}), floats({1152})});
  spec.benchmark("1576x384_384", {floats({8, 197, 384}), floats({384, 384}), floats({384})});
  spec.benchmark("1576x384_1536", {floats({8, 197, 384}), floats({1536, 384}), floats({1536})});
  spec.benchmark("1576x1536_384", {floats({8, 197, 1536}), floats({384, 1536}), floats({384})});
  spec.benchmark("8x384_1000", {floats({8, 384}), floats({1000, 384}), floats({1000})});
  spec.benchmark("8x2048_1000", {floats({8, 2048}), floats({1000, 2048}), floats({1000})});
  spec.error("weight must be [out, in], got [3]", {floats({2, 3}), floats({3})});
  spec.error("x must be [.., rows, in] = [.., rows, 4], got [2, 3]", {floats({2, 3}), floats({5, 4})});
  spec.error("bias must be [out] = [5], got [4]", {floats({2, 4}), floats({5, 4}), floats({4})});
  spec.error("dtypes differ: f32 and f64", {floats({2, 3}), {.shape = {2, 3}, .dtype = DType::f64}});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::accumulate(135));
}

LV_OP_SPEC(OuterSum) {
  spec.cost([](Inputs in, Inputs out, const OuterSum::Options&) {
    return Cost{.bytes = bytes_of(in, out), .flops = 2 * double(in[0].numel()) * double(in[1].size(-1))};
  });
  spec.add("empty_rows", {floats({0, 3}), floats({0, 4})});
  spec.add("7x3_5", {floats({7, 3}), floats({7, 5})});
  spec.add("4099x5_7_depth_cut", {floats({4099, 5}), floats({4099, 7})});
  spec.add("3x111x13_17", {floats({3, 111, 13}), floats({3, 111, 17})});
  spec.error("equal leading axes, got [2, 3] and [4, 3]", {floats({2, 3}), floats({4, 3})});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(4099));
}
