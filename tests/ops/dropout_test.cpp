#include "ops/dropout.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace lv;

TEST_CASE("dropout keeps the expected share and the expected value") {
  Generator generator(11);
  constexpr int64_t kCount = 100'000;
  const std::vector<float> y = ops::dropout(Tensor::full({kCount}, 1.0), 0.25, generator).to_vector<float>();
  const auto kept = std::count_if(y.begin(), y.end(), [](float value) { return value != 0; });
  // Five standard deviations of a binomial share.
  CHECK(double(kept) / kCount == Approx(0.75).margin(5 * std::sqrt(0.75 * 0.25 / kCount)));
  CHECK(*std::max_element(y.begin(), y.end()) == Approx(1 / 0.75));
}

TEST_CASE("each call of dropout draws another mask, and the same from the same state") {
  const Tensor x = Tensor::full({64}, 1.0);
  Generator first(3);
  Generator second(3);
  const auto a = ops::dropout(x, 0.5, first).to_vector<float>();
  CHECK(a == ops::dropout(x, 0.5, second).to_vector<float>());
  CHECK(a != ops::dropout(x, 0.5, first).to_vector<float>());
}

TEST_CASE("drop_path drops whole samples") {
  Generator generator(5);
  const Tensor y = ops::drop_path(Tensor::full({32, 5}, 1.0), 0.5, generator);
  int dropped = 0;
  for (int64_t n = 0; n < 32; ++n) {
    const auto row = y.select(0, n).to_vector<float>();
    CHECK(std::all_of(row.begin(), row.end(), [&](float value) { return value == row[0]; }));
    dropped += int(row[0] == 0);
  }
  CHECK(dropped > 4);
  CHECK(dropped < 28);
  CHECK(ops::dropout(y, 0.0, generator).is_same(y));
}
