#include <fmt/format.h>

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

/// A square convolution of networks, with the padding that keeps the size at stride 1.
struct Layer {
  int64_t size;
  int64_t in;
  int64_t out;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
};

constexpr Layer kLayers[] = {
    // Every distinct one of ResNet-50.
    {224, 3, 64, 7, 2},
    {56, 64, 64},
    {56, 64, 64, 3},
    {56, 64, 256},
    {56, 256, 64},
    {56, 256, 128},
    {56, 128, 128, 3, 2},
    {28, 128, 512},
    {56, 256, 512, 1, 2},
    {28, 512, 128},
    {28, 128, 128, 3},
    {28, 512, 256},
    {28, 256, 256, 3, 2},
    {14, 256, 1024},
    {28, 512, 1024, 1, 2},
    {14, 1024, 256},
    {14, 256, 256, 3},
    {14, 1024, 512},
    {14, 512, 512, 3, 2},
    {7, 512, 2048},
    {14, 1024, 2048, 1, 2},
    {7, 2048, 512},
    {7, 512, 512, 3},
    // Those of ResNeXt-50 32x4d that ResNet-50 lacks.
    {56, 64, 128},
    {56, 128, 128, 3, 1, 32},
    {56, 128, 256},
    {56, 256, 256},
    {56, 256, 256, 3, 2, 32},
    {28, 256, 512},
    {28, 256, 256, 3, 1, 32},
    {28, 512, 512},
    {28, 512, 512, 3, 2, 32},
    {14, 512, 1024},
    {14, 512, 512, 3, 1, 32},
    {14, 1024, 1024},
    {14, 1024, 1024, 3, 2, 32},
    {7, 1024, 2048},
    {7, 2048, 1024},
    {7, 1024, 1024, 3, 1, 32},
    // Depthwise, as in MobileNet, EfficientNet and ConvNeXt.
    {112, 32, 32, 3, 1, 32},
    {56, 144, 144, 3, 2, 144},
    {14, 512, 512, 3, 1, 512},
    {28, 240, 240, 5, 1, 240},
    {56, 96, 96, 7, 1, 96},
    {14, 384, 384, 7, 1, 384},
};

void benchmark_layer(SpecBuilder<Conv2d>& spec, const Layer& layer) {
  const auto& [size, in, out, kernel, stride, groups] = layer;
  const int64_t padding = kernel / 2;
  std::string name = fmt::format("N8_{0}x{0}_C{1}_O{2}_k{3}s{4}p{5}", size, in, out, kernel, stride, padding);
  if (groups > 1) {
    name += fmt::format("g{}", groups);
  }
  spec.benchmark(name, {floats({8, size, size, in}), floats({out, in / groups, kernel, kernel})},
                 {.stride = {stride, stride}, .padding = {padding, padding}, .groups = groups});
}

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
  spec.add("N2_9x17_C24_O24_k3_groups6", {floats({2, 9, 17, 24}), floats({24, 4, 3, 3}), floats({24})},
           {.padding = {1, 1}, .groups = 6});
  spec.add("N1_7x9_C32_O32_k3s2_groups2", {floats({1, 7, 9, 32}), floats({32, 16, 3, 3})},
           {.stride = {2, 2}, .padding = {1, 1}, .groups = 2});
  spec.add("N1_8x16_C20_k7_depthwise", {floats({1, 8, 16, 20}), floats({20, 1, 7, 7}), floats({20})},
           {.padding = {3, 3}, .groups = 20});
  spec.add("N1_9x10_C17_k5s2_depthwise", {floats({1, 9, 10, 17}), floats({17, 1, 5, 5})},
           {.stride = {2, 2}, .padding = {2, 2}, .groups = 17});
  spec.add("N1_3x15_C32_k3_depthwise", {floats({1, 3, 15, 32}), floats({32, 1, 3, 3}), floats({32})},
           {.padding = {1, 1}, .groups = 32});
  spec.add("N1_6x9_C16_k5s2_depthwise", {floats({1, 6, 9, 16}), floats({16, 1, 5, 5})},
           {.stride = {2, 2}, .padding = {2, 2}, .groups = 16});
  spec.add("N1_7x9_C16_k3s3d2_depthwise", {floats({1, 7, 9, 16}), floats({16, 1, 3, 3})},
           {.stride = {3, 3}, .padding = {2, 2}, .dilation = {2, 2}, .groups = 16});
  spec.add("N1_5x6_C8_O8_k1s2_groups4", {floats({1, 5, 6, 8}), floats({8, 2, 1, 1})}, {.stride = {2, 2}, .groups = 4});
  spec.add("N1_8x7_C3_O4_k7s4p3", {floats({1, 8, 7, 3}), floats({4, 3, 7, 7})}, {.stride = {4, 4}, .padding = {3, 3}});
  spec.add("N3_8x8_C34_O35_k1_tails", {floats({3, 8, 8, 34}), floats({35, 34, 1, 1}), floats({35})});
  // Sums of integers and halves: none falls on the ReLU's kink.
  const auto integers = [](const Shape& shape) {
    return Arg{.shape = shape, .fill = Fill::integers, .low = -2, .high = 3};
  };
  const Arg half{.shape = {34}, .low = 0.5, .high = 0.5};
  spec.add("N2_9x5_C7_O34_k3s2_residual_relu",
           {integers({2, 9, 5, 7}), integers({34, 7, 3, 3}), half, integers({2, 5, 3, 34})},
           {.stride = {2, 2}, .padding = {1, 1}, .relu = true});
  spec.add("N1_4x6_C16_O16_k3_groups4_residual",
           {floats({1, 4, 6, 16}), floats({16, 4, 3, 3}), absent(), floats({1, 4, 6, 16})},
           {.padding = {1, 1}, .groups = 4});
  spec.add("N1_9x8_C3_O34_k5_relu", {integers({1, 9, 8, 3}), integers({34, 3, 5, 5}), half},
           {.padding = {2, 2}, .relu = true});
  for (const Layer& layer : kLayers) {
    benchmark_layer(spec, layer);
  }
  spec.benchmark("N8_224x224_C3_O384_k16s16p0", {floats({8, 224, 224, 3}), floats({384, 3, 16, 16}), floats({384})},
                 {.stride = {16, 16}});
  spec.error("x must be [N, H, W, C], got [3, 4, 5]", {floats({3, 4, 5}), floats({2, 5, 1, 1})});
  spec.error("weight must have C / groups = 4 / 2 input channels, got [2, 4, 1, 1]",
             {floats({1, 3, 3, 4}), floats({2, 4, 1, 1})}, {.groups = 2});
  spec.error("3 channels do not divide into 2 groups", {floats({1, 3, 3, 3}), floats({2, 3, 1, 1})}, {.groups = 2});
  spec.error("does not fit 2 cells with padding 0", {floats({1, 2, 2, 1}), floats({1, 1, 3, 3})});
  spec.error("bias must be [O] = [2], got [3]", {floats({1, 2, 2, 1}), floats({2, 1, 1, 1}), floats({3})});
  spec.error("residual must be [1, 2, 2, 2], got [1, 2, 2, 1]",
             {floats({1, 2, 2, 1}), floats({2, 1, 1, 1}), absent(), floats({1, 2, 2, 1})});
  spec.error("dtypes differ: f32 and f64", {floats({1, 2, 2, 1}), {.shape = {2, 1, 1, 1}, .dtype = DType::f64}});
  spec.differentiable({0, 1, 2, 3}).twice_differentiable().tolerance(Tolerance::accumulate(192));
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
  spec.add("N3_20x23_C5_O35_k3p1_parts", {floats({3, 20, 23, 5}), floats({3, 20, 23, 35})},
           {.conv = kPad1, .kernel = {3, 3}});
  spec.add("N1_6x9_C2_O3_k2x3_uneven", {floats({1, 6, 9, 2}), floats({1, 3, 7, 3})},
           {.conv = kUneven, .kernel = {2, 3}});
  spec.add("N2_6x6_C6_O4_k3_groups2", {floats({2, 6, 6, 6}), floats({2, 6, 6, 4})},
           {.conv = {.padding = {1, 1}, .groups = 2}, .kernel = {3, 3}});
  spec.error("grad must be [1, 3, 3, 2], got [1, 4, 3, 2]", {floats({1, 3, 3, 1}), floats({1, 4, 3, 2})},
             {.conv = {}, .kernel = {1, 1}});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(1380));
}
