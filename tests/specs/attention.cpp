#include "ops/attention.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Attention) {
  spec.cost([](Inputs in, Inputs, const Attention::Options&) {
    const double products = 4.0 * double(in[0].numel()) * double(in[1].size(1));
    return Cost{.bytes = 4.0 * double(in[0].size_bytes()), .flops = products};
  });
  const auto row = [](int64_t batch, int64_t length, int64_t heads, int64_t dim) {
    return floats({batch, length, heads, dim}, -2, 2);
  };
  spec.add("empty_B0", {row(0, 3, 2, 4), row(0, 5, 2, 4), row(0, 5, 2, 4)});
  spec.add("one", {row(1, 1, 1, 1), row(1, 1, 1, 1), row(1, 1, 1, 1)});
  spec.add("B2_L5x7_H3_D11", {row(2, 5, 3, 11), row(2, 7, 3, 11), row(2, 7, 3, 11)});
  spec.add("B1_L37_H2_D33_bias", {row(1, 37, 2, 33), row(1, 37, 2, 33), row(1, 37, 2, 33), floats({2, 37, 37})});
  spec.add("B1_L9x35_H1_D8_causal_scale", {row(1, 9, 1, 8), row(1, 35, 1, 8), row(1, 35, 1, 8)},
           {{.scale = 0.5, .is_causal = true}});
  // Every query sees some key.
  const Arg ones{.shape = {1, 1, 6, 1}, .fill = Fill::integers, .low = 1, .high = 2, .dtype = DType::boolean};
  spec.add("B2_L6_H1_D5_bias_mask", {row(2, 6, 1, 5), row(2, 6, 1, 5), row(2, 6, 1, 5), floats({1, 6}), ones});
  spec.add("B1_L35x70_H2_D20_V36", {row(1, 35, 2, 20), row(1, 70, 2, 20), row(1, 70, 2, 36)});
  spec.add("B1_L50x47_H1_D128_V3_causal_bias",
           {row(1, 50, 1, 128), row(1, 47, 1, 128), row(1, 47, 1, 3), floats({50, 47})},
           {{.scale = 0.05, .is_causal = true}});
  spec.benchmark("B8_L197_H6_D64", {row(8, 197, 6, 64), row(8, 197, 6, 64), row(8, 197, 6, 64)});
  spec.benchmark("B8_L785_H6_D64", {row(8, 785, 6, 64), row(8, 785, 6, 64), row(8, 785, 6, 64)});
  spec.error("wants q [B, Lq, H, D], k [B, Lk, H, D], v [B, Lk, H, Dv]",
             {row(1, 3, 2, 4), row(1, 3, 2, 5), row(1, 3, 2, 5)});
  spec.error("D and Dv must be at most 128", {row(1, 3, 1, 129), row(1, 3, 1, 129), row(1, 3, 1, 129)});
  spec.error("bias must broadcast to [B, H, Lq, Lk] = [1, 1, 3, 3], got [2, 3, 3]",
             {row(1, 3, 1, 4), row(1, 3, 1, 4), row(1, 3, 1, 4), floats({2, 3, 3})});
  spec.error("mask must be bool", {row(1, 3, 1, 4), row(1, 3, 1, 4), row(1, 3, 1, 4), absent(), floats({3, 3})});
  spec.differentiable({0, 1, 2, 3}).twice_differentiable().tolerance(Tolerance::accumulate(40));
}
