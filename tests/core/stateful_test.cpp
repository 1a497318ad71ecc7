#include "core/stateful.h"

#include <catch2/catch.hpp>

using namespace lv;

TEST_CASE("a state returns every kind of value under its dotted name") {
  State state;
  const StateWriter writer = StateWriter(state).scope("queue").scope("keys");
  const Tensor rows = Tensor::from<float>({1, 2, 3}, {3});
  writer.put("step", 7);
  writer.put("scale", 0.5);
  writer.put("kind", "ring");
  writer.put("rows", rows);
  const StateReader reader = StateReader(state).scope("queue").scope("keys");
  REQUIRE(reader.get<int64_t>("step") == 7);
  REQUIRE(reader.get<double>("scale") == 0.5);
  REQUIRE(reader.get<std::string>("kind") == "ring");
  REQUIRE(reader.get<Tensor>("rows").is_same(rows));
  REQUIRE(state.contains("queue.keys.step"));
  REQUIRE(reader.contains("rows"));
  REQUIRE_FALSE(reader.contains("row"));
}

TEST_CASE("missing, wrong and repeated values of a state are errors that name them") {
  State state;
  StateWriter(state).scope("scaler").put("scale", 2.0);
  const StateReader reader = StateReader(state).scope("scaler");
  REQUIRE_THROWS_WITH(reader.get<double>("growth"), "state: 'scaler.growth' is missing");
  REQUIRE_THROWS_WITH(reader.get<Tensor>("scale"), "state: 'scaler.scale' is a number, wanted a tensor");
  REQUIRE_THROWS_WITH(StateWriter(state).put("scaler.scale", 1.0), "state: 'scaler.scale' was written twice");
}
