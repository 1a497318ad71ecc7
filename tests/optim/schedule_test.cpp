#include "optim/schedule.h"

#include <catch2/catch.hpp>

#include "core/error.h"

using namespace lv::optim;
using Catch::Contains;

TEST_CASE("schedules have their values at the start, on the way, at the end and beyond") {
  const auto check = [](const Schedule& schedule, const std::vector<int64_t>& steps,
                        const std::vector<double>& wanted) {
    std::vector<double> values;
    for (const int64_t step : steps) {
      values.push_back(schedule(step));
    }
    CHECK_THAT(values, Catch::Matchers::Approx(wanted).margin(1e-12));
  };
  check(constant(3), {0, 100}, {3, 3});
  check(linear(1, 5, 4), {0, 1, 4, 9}, {1, 2, 5, 5});
  check(cosine(2, 0, 10), {0, 5, 10, 11}, {2, 1, 0, 0});
  check(cosine(2, 1, 8), {2}, {1.8535533905932737});
  check(polynomial(1, 0, 10, 2), {0, 5, 10, 20}, {1, 0.25, 0, 0});
  check(step_decay(1, 0.1, 30), {0, 29, 30, 60}, {1, 1, 0.1, 0.01});
  check(multi_step(1, 0.5, {2, 5}), {1, 2, 4, 5}, {1, 0.5, 0.5, 0.25});
}

TEST_CASE("schedules compose") {
  const Schedule warm = with_warmup(0, 4, cosine(1, 0, 8));
  CHECK(warm(0) == 0);
  CHECK(warm(2) == Approx(0.25));  // half of the cosine's value at step 4
  CHECK(warm(4) == Approx(0.5));
  CHECK(warm(8) == Approx(0).margin(1e-12));
  const Schedule twice = then(linear(0, 1, 2), 3, then(constant(7), 1, linear(1, 0, 4)));
  CHECK(twice(1) == 0.5);
  CHECK(twice(2) == 1);
  CHECK(twice(3) == 7);
  CHECK(twice(4) == 1);
  CHECK(twice(6) == 0.5);
}

TEST_CASE("schedules refuse what has no meaning") {
  CHECK_THROWS_WITH(cosine(1, 0, 0), Contains("cosine"));
  CHECK_THROWS_WITH(multi_step(1, 0.1, {5, 2}), Contains("ascend"));
}
