// Resizing against PyTorch's outputs and gradients. The case names say everything: mode, grid, output size or factor.

#include <catch2/catch.hpp>

#include "core/allocator.h"
#include "ops/interpolate.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

InterpolateOptions options_of(const std::string& name) {
  InterpolateOptions options;
  options.mode = name.starts_with("nearest_exact") ? Interpolation::nearest_exact
                 : name.starts_with("nearest")     ? Interpolation::nearest
                 : name.starts_with("bicubic")     ? Interpolation::bicubic
                                                   : Interpolation::bilinear;
  options.align_corners = name.find("_corners") != std::string::npos;
  options.antialias = name.find("_antialias") != std::string::npos;
  return options;
}

Tensor resize(const std::string& name, const Tensor& x, const Tensor& output) {
  const size_t scale = name.find("_scale_");
  if (scale != std::string::npos) {
    std::string digits = name.substr(scale + 7);  // "1_7" for 1.7
    digits[digits.find('_')] = '.';
    const double factor = std::stod(digits);
    return interpolate_by(x, factor, factor, options_of(name));
  }
  return interpolate(x, {output.size(2), output.size(3)}, options_of(name));
}

}  // namespace

TEST_CASE("every mode, grid and factor of interpolation equals PyTorch's") {
  const OpFixture fixture("ops/resize.safetensors");
  for (const std::string& name : fixture.cases()) {
    DYNAMIC_SECTION(name) {
      fixture.check(name, {"x", "output"},
                    [&](const OpFixture::Named& in) { return resize(name, in.at("x"), fixture.at(name + "/output")); });
    }
  }
}

TEST_CASE("tables of interpolation are made once, and one for each rule") {
  const Tensor x = Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5, 6}, {1, 7, 1, 1});
  const InterpolateOptions bilinear;
  const Tensor by_size = interpolate(x, {12, 1}, bilinear);
  const Tensor by_factor = interpolate_by(x, 1.75, 1.0, bilinear);
  REQUIRE(by_factor.shape() == by_size.shape());
  // The centre of the last cell of 12: at (11 + 1/2) s - 1/2 of 7, where s is 7 / 12 or 1 / 1.75.
  CHECK(by_size.data<float>()[11] == Approx(6.0F));
  CHECK(by_factor.data<float>()[10] == Approx(5.5F));
  CHECK(by_size.data<float>()[10] == Approx(5.625F));

  const int64_t before = allocator(Device::cpu()).stats().allocation_count;
  const Tensor again = interpolate(x, {12, 1}, bilinear);
  CHECK(allocator(Device::cpu()).stats().allocation_count == before + 1);
  CHECK(again.data<float>()[10] == by_size.data<float>()[10]);
}
