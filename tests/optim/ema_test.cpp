#include "optim/ema.h"

#include <catch2/catch.hpp>

#include "tests/optim/support.h"

using namespace lv;
using namespace lv::optim;
using Catch::Contains;

TEST_CASE("the teacher moves towards the student by name, and integers are copied") {
  for (const Device device : test::devices()) {
    test::in_every_lane_order(device, [&] {
      const Tensor weight = test::fixture_tensor("w", {300, 100}).to(device);
      const Tensor conv = test::fixture_tensor("c", {4, 3, 2, 2}).to(DType::f64).to(device);
      const Tensor count = Tensor::full({}, 7, DType::i64, device);
      const std::vector<NamedTensor> student{
          {"predictor", Tensor::zeros({2})}, {"count", count}, {"conv", conv}, {"weight", weight}};
      const Tensor stored = Tensor::full({4, 2, 2, 3}, 1, DType::f64, device);
      const std::vector<NamedTensor> teacher{{"weight", Tensor::full({300, 100}, 2, DType::f32, device)},
                                             {"conv", stored.permute({0, 3, 1, 2})},
                                             {"count", Tensor::zeros({}, DType::i64, device)}};
      Ema ema(student, teacher, 0.75);
      ema.update();
      ema.set_momentum(0.5);
      ema.update();
      const auto check = [](const Tensor& average, const Tensor& source, double start) {
        const auto got = test::doubles(average);
        const auto from = test::doubles(source);
        for (size_t i = 0; i < from.size(); ++i) {
          const double once = 0.75 * start + 0.25 * from[i];
          REQUIRE(got[i] == Approx(0.5 * once + 0.5 * from[i]).epsilon(1e-6));
        }
      };
      check(teacher[0].tensor, weight, 2);
      check(teacher[1].tensor, conv, 1);
      CHECK(teacher[2].tensor.item() == 7);
    });
  }
}

TEST_CASE("a teacher that does not fit the student is refused with the names") {
  const std::vector<NamedTensor> student{{"a", Tensor::zeros({2})}};
  CHECK_THROWS_WITH(Ema(student, std::vector<NamedTensor>{{"b", Tensor::zeros({2})}, {"c", Tensor::zeros({2})}}, 0.9),
                    Contains("lacks") && Contains("b, c"));
  CHECK_THROWS_WITH(Ema(student, std::vector<NamedTensor>{{"a", Tensor::zeros({3})}}, 0.9),
                    Contains("a is [2] in the student, [3] in the teacher"));
  CHECK_THROWS_WITH(Ema(student, student, 1.5), Contains("momentum"));
}
