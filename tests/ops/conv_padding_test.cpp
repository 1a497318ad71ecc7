// What stands beside the taps of a convolution: no output and no weight gradient may hear of it, not even multiplied by
// zero.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "ops/conv_definitions.h"

using namespace lv;
using namespace lv::ops;

namespace {

struct Case {
  const char* name;
  int64_t height, width, in, out, kernel;
  Conv2dOptions options;
};

/// One for each kernel: dense, few channels, pointwise, depthwise, narrow and wide groups.
const Case kCases[] = {
    {"dense", 7, 6, 5, 9, 3, {.padding = {1, 1}}},
    {"dense without padding", 5, 7, 5, 9, 3, {}},
    {"dense with unread lines", 8, 6, 5, 3, 3, {.stride = {2, 2}}},
    {"dense with unread pixels", 5, 6, 6, 7, 1, {.stride = {2, 3}}},
    {"few channels", 7, 6, 3, 4, 3, {.stride = {2, 2}}},
    {"pointwise", 5, 3, 7, 4, 1, {}},
    {"depthwise", 7, 6, 5, 5, 3, {.padding = {1, 1}, .groups = 5}},
    {"depthwise with unread lines", 8, 9, 5, 5, 5, {.stride = {2, 2}, .groups = 5}},
    {"depthwise in whole vectors", 7, 6, 16, 16, 3, {.padding = {1, 1}, .groups = 16}},
    {"narrow groups", 5, 7, 8, 8, 3, {.groups = 2}},
    {"narrow groups with unread lines", 8, 6, 8, 8, 3, {.stride = {2, 2}, .groups = 2}},
    {"wide groups", 5, 4, 32, 32, 3, {.groups = 2}},
};

/// Whether tap (line, column) of an output reads pixel (y, x).
bool reads(const Case& c, const Shape& outputs, int64_t line, int64_t column, int64_t y, int64_t x) {
  const auto& [stride, padding, dilation, groups, relu] = c.options;
  const auto meets = [](int64_t pixel, int64_t tap, int64_t step, int64_t border, int64_t out) {
    const int64_t scaled = pixel + border - tap;
    return scaled >= 0 && scaled % step == 0 && scaled / step < out;
  };
  return meets(y, line, stride.height, padding.height, outputs[1]) &&
         meets(x, column, stride.width, padding.width, outputs[2]);
}

/// Ones, but for one channel of a pixel that is not a number.
Tensor ones_but_for(int64_t pixel, int64_t channel, const Shape& shape, DType dtype) {
  std::vector<float> values(size_t(numel(shape)), 1.0F);
  values[size_t(pixel * shape.back() + channel)] = NAN;
  return Tensor::from<float>(values, shape).to(dtype);
}

}  // namespace

TEST_CASE("a pixel that is not a number reaches those outputs alone whose taps read it") {
  const auto& c = GENERATE(from_range(std::begin(kCases), std::end(kCases)));
  const DType dtype = GENERATE(DType::f32, DType::bf16);
  INFO(c.name << " of " << name(dtype));
  const Tensor weight = Tensor::full({c.out, c.in / c.options.groups, c.kernel, c.kernel}, 1.0, dtype);
  const Shape pixels{1, c.height, c.width, c.in};
  const int64_t channel = c.in - 1;
  int64_t wrong = 0;
  for (int64_t pixel = 0; pixel < c.height * c.width; ++pixel) {
    const Tensor y = conv2d(ones_but_for(pixel, channel, pixels, dtype), weight, {}, c.options);
    const std::vector<float> values = y.to(DType::f32).to_vector<float>();
    for (int64_t i = 0; i < int64_t(values.size()); ++i) {
      const int64_t column = i / c.out % y.shape()[2];
      const int64_t line = i / c.out / y.shape()[2];
      const auto is_tap = [&c](int64_t at, int64_t out, int64_t step, int64_t border) {
        const int64_t tap = at + border - out * step;
        return tap >= 0 && tap < c.kernel;
      };
      const bool is_read = i % c.out / (c.out / c.options.groups) == c.options.groups - 1 &&
                           is_tap(pixel / c.width, line, c.options.stride.height, c.options.padding.height) &&
                           is_tap(pixel % c.width, column, c.options.stride.width, c.options.padding.width);
      wrong += std::isnan(values[size_t(i)]) != is_read ? 1 : 0;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a pixel that is not a number reaches those weight gradients alone whose taps read it") {
  const auto& c = GENERATE(from_range(std::begin(kCases), std::end(kCases)));
  const DType dtype = GENERATE(DType::f32, DType::bf16);
  const int64_t images = GENERATE(1, 2, 3);
  INFO(c.name << ", " << images << " images of " << name(dtype));
  const Tensor weight = Tensor::full({c.out, c.in / c.options.groups, c.kernel, c.kernel}, 1.0, dtype);
  const Shape pixels{images, c.height, c.width, c.in};
  const Tensor y = conv2d(Tensor::full(pixels, 1.0, dtype), weight, {}, c.options);
  const Tensor grad = Tensor::full(y.shape(), 1.0, dtype);
  const int64_t channel = c.in - 1;
  const int64_t group_in = weight.shape()[1];
  int64_t wrong = 0;
  for (int64_t pixel = 0; pixel < images * c.height * c.width; ++pixel) {
    const Tensor x = ones_but_for(pixel, channel, pixels, dtype);
    const std::vector<float> dw =
        autograd::apply<Conv2dWeightGrad>({x, grad}, {.conv = c.options, .kernel = {c.kernel, c.kernel}})[0]
            .to(DType::f32)
            .to_vector<float>();
    for (int64_t i = 0; i < int64_t(dw.size()); ++i) {
      const int64_t column = i % c.kernel;
      const int64_t line = i / c.kernel % c.kernel;
      const int64_t in = i / c.kernel / c.kernel % group_in;
      const int64_t group = i / c.kernel / c.kernel / group_in / (c.out / c.options.groups);
      const bool is_read = group * group_in + in == channel &&
                           reads(c, y.shape(), line, column, pixel / c.width % c.height, pixel % c.width);
      wrong += std::isnan(dw[size_t(i)]) != is_read ? 1 : 0;
    }
  }
  CHECK(wrong == 0);
}
