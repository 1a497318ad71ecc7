#include "ops/norm_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

// Zeros and ones: normalised they lie near -1 and 1, so that with these parameters no sum falls on the ReLU's kink.
Arg two_valued(const Shape& shape) { return {.shape = shape, .fill = Fill::integers, .low = 0, .high = 2}; }
Arg gain(int64_t channels) { return floats({channels}, 1.0, 1.5); }
Arg small(const Shape& shape) { return floats(shape, -0.1, 0.1); }

}  // namespace

LV_OP_SPEC(BatchNorm) {
  // Each element is read with each channel's coefficients; statistics cost a second reading.
  spec.cost([](Inputs in, Inputs out, const BatchNorm::Options&) {
    const bool takes_batch = in.size() < 5;
    const double bytes = double(in[0].size_bytes());
    const bool has_residual = in.size() > 3 && in[3].defined();
    return Cost{.bytes = bytes * (2 + takes_batch + has_residual), .flops = 8.0 * double(out[0].numel())};
  });
  const auto parameter = [](int64_t c) { return floats({c}); };
  spec.add("empty", {floats({0, 3}), parameter(3), parameter(3)});
  spec.add("N7_C3", {floats({7, 3}), parameter(3), parameter(3)});
  spec.add("N2_5x3_C7_residual_relu", {two_valued({2, 5, 3, 7}), gain(7), small({7}), small({2, 5, 3, 7})},
           {.relu = true});
  spec.add("N3_11_C19_relu", {two_valued({3, 11, 19}), gain(19), small({19})}, {.relu = true});
  spec.add("N4_3x3_C5_groups2_no_affine", {floats({4, 3, 3, 5})}, {.eps = 1e-3, .stat_groups = 2});
  spec.add("N2_9x5_C33_no_bias", {floats({2, 9, 5, 33}), parameter(33)});
  spec.add("N2_3x3_C17_eval",
           {floats({2, 3, 3, 17}), parameter(17), parameter(17), absent(), parameter(17), positive({17})});
  const Arg near_half = floats({17}, 0.4, 0.6);
  spec.add("N2_3x3_C17_eval_residual_relu",
           {two_valued({2, 3, 3, 17}), gain(17), small({17}), small({2, 3, 3, 17}), near_half, positive({17})},
           {.relu = true});
  spec.add("N5_C17_eval_relu_no_affine", {two_valued({5, 17}), absent(), absent(), absent(), near_half, positive({17})},
           {.relu = true});
  spec.add("N2_65x3_C301", {floats({2, 65, 3, 301}), parameter(301), parameter(301), floats({2, 65, 3, 301})});
  for (const auto& [size, channels] :
       {std::pair<int64_t, int64_t>{56, 64}, {56, 256}, {28, 512}, {14, 1024}, {7, 2048}}) {
    const Shape shape{8, size, size, channels};
    const std::string name = fmt::format("N8_{0}x{0}_C{1}", size, channels);
    spec.benchmark(name, {floats(shape), parameter(channels), parameter(channels)});
    spec.benchmark(name + "_residual_relu", {floats(shape), parameter(channels), parameter(channels), floats(shape)},
                   {.relu = true});
  }
  spec.error("must be [N, ..., C]", {floats({3})});
  spec.error("weight must be [4]", {floats({3, 4}), floats({3})});
  spec.error("residual must have x's shape", {floats({3, 4}), absent(), absent(), floats({4})});
  spec.error("more than one value", {floats({1, 1, 4})});
  spec.error("more than one value", {floats({2, 4})}, {.stat_groups = 2});
  spec.error("stat_groups must divide", {floats({3, 4})}, {.stat_groups = 2});
  spec.error("mean and variance go together", {floats({3, 4}), absent(), absent(), absent(), floats({4})});
  spec.differentiable({0, 1, 2, 3}).twice_differentiable().tolerance(Tolerance::accumulate(100));
}

LV_OP_SPEC(LayerNorm) {
  spec.add("empty", {floats({0, 3}), floats({3}), floats({3})});
  spec.add("7", {floats({7}), floats({7}), floats({7})});
  spec.add("N2_L5_C19", {floats({2, 5, 19}), floats({19}), floats({19})}, {.eps = 1e-3});
  spec.add("N3_C3_no_affine", {floats({3, 3})});
  spec.add("N13_C65_no_bias", {floats({13, 65}), floats({65})});
  spec.add("N2_3x5_C131", {floats({2, 3, 5, 131}), floats({131}), floats({131})});
  for (const int64_t channels : {384, 768, 1024}) {
    spec.benchmark(fmt::format("N8_L197_C{}", channels),
                   {floats({8, 197, channels}), floats({channels}), floats({channels})});
  }
  spec.error("weight must be [4]", {floats({3, 4}), floats({3})});
  spec.error("must be [..., C]", {floats({})});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::accumulate(50));
}

LV_OP_SPEC(GroupNorm) {
  spec.add("empty", {floats({0, 4}), floats({4}), floats({4})}, {.groups = 2});
  spec.add("N2_3x5_C6_G3", {floats({2, 3, 5, 6}), floats({6}), floats({6})}, {.groups = 3});
  spec.add("N2_3x5_C6_G1_no_affine", {floats({2, 3, 5, 6})}, {.groups = 1, .eps = 1e-3});
  spec.add("N3_C33_G11_no_bias", {floats({3, 33}), floats({33})}, {.groups = 11});
  spec.add("N2_11_C35_G35", {floats({2, 11, 35}), floats({35}), floats({35})}, {.groups = 35});
  spec.benchmark("N8_56x56_C256_G32", {floats({8, 56, 56, 256}), floats({256}), floats({256})});
  spec.benchmark("N8_14x14_C1024_G32", {floats({8, 14, 14, 1024}), floats({1024}), floats({1024})});
  spec.error("weight must be [4]", {floats({3, 4}), floats({3})}, {.groups = 2});
  spec.error("groups must divide the channels", {floats({3, 4})}, {.groups = 3});
  spec.error("must be [N, ..., C]", {floats({3})}, {.groups = 3});
  spec.differentiable({0, 1, 2}).twice_differentiable().tolerance(Tolerance::accumulate(100));
}

LV_OP_SPEC(L2Normalize) {
  spec.add("empty", {floats({0, 3})});
  spec.add("7", {floats({7})});
  spec.add("N13_C65", {floats({13, 65})});
  spec.add("N3_C19_5_axis1", {floats({3, 19, 5})}, {.axis = 1});
  spec.add("N2_C5_37_axis1", {floats({2, 5, 37})}, {.axis = 1});
  spec.add("below_eps", {floats({5, 3})}, {.eps = 10.0});
  spec.benchmark("N1024_C256", {floats({1024, 256})});
  spec.error("axis", {floats({3, 4})}, {.axis = 2});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(70));
}

LV_OP_SPEC(WeightNorm) {
  spec.add("empty", {floats({0, 3}), floats({0, 1})});
  spec.add("5x7", {floats({5, 7}), floats({5, 1})});
  spec.add("13x5x3x3", {floats({13, 5, 3, 3}), floats({13, 1, 1, 1})});
  spec.benchmark("8192x256", {floats({8192, 256}), floats({8192, 1})});
  spec.error("g must be [3, 1]", {floats({3, 4}), floats({3})});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(50));
}

LV_OP_SPEC(CosineSimilarity) {
  spec.add("empty", {floats({0, 3}), floats({0, 3})});
  spec.add("7", {floats({7}), floats({7})});
  spec.add("N13_C65", {floats({13, 65}), floats({13, 65})});
  spec.add("N3_C19_5_axis1", {floats({3, 19, 5}), floats({3, 19, 5})}, {.axis = 1});
  spec.add("N2_C5_37_axis1", {floats({2, 5, 37}), floats({2, 5, 37})}, {.axis = 1});
  spec.add("below_eps", {floats({5, 3}), floats({5, 3}, 10, 20)}, {.eps = 10.0});
  spec.benchmark("N1024_C256", {floats({1024, 256}), floats({1024, 256})});
  spec.error("dtypes differ", {floats({3, 4}), integers({3, 4}, 0, 5)});
  spec.error("shapes must be equal", {floats({3, 4}), floats({3, 5})});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(70));
}
