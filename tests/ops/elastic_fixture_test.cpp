// Elastic resampling against the outputs and gradients of PyTorch's padding, pooling and interpolation.

#include <catch2/catch.hpp>

#include "ops/elastic_resample.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

TEST_CASE("elastic resampling equals PyTorch's padding, pooling, interpolation and cropping") {
  const OpFixture fixture("ops/elastic.safetensors");
  int checked = 0;
  for (const std::string& name : fixture.cases()) {
    fixture.check(name, {"x", "small", "full", "output"}, [&](const OpFixture::Named& in) {
      if (name.starts_with("down_")) {
        return elastic_downsample(in.at("x"));
      }
      if (name.starts_with("chain_")) {
        return elastic_upsample_add(elastic_downsample(in.at("x")), in.at("x"));
      }
      return elastic_upsample_add(in.at("small"), in.at("full"));
    });
    ++checked;
  }
  REQUIRE(checked == 3 * 8);
}

TEST_CASE("an odd signal of three cells goes through the elastic branch as worked out by hand") {
  // 1 2 3 -> 1 2 3 3 -> 1.5 3 -> 1.5 1.875 2.625 3 -> the last is cropped.
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3}, {1, 1, 3, 1});
  const Tensor low = elastic_downsample(x);
  REQUIRE(low.to_vector<double>() == std::vector<double>{1.5, 3});
  REQUIRE(elastic_upsample_add(low, Tensor::zeros(x.shape(), DType::f64)).to_vector<double>() ==
          std::vector<double>{1.5, 1.875, 2.625});
}
