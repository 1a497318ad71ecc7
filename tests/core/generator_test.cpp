#include "core/generator.h"

#include <catch2/catch.hpp>
#include <set>

using namespace lv;

TEST_CASE("a generator claims a new key for every op") {
  Generator generator(5);
  const PhiloxKey first = generator.claim();
  const PhiloxKey second = generator.claim();
  REQUIRE(first == PhiloxKey{5, 0});
  REQUIRE(second == PhiloxKey{5, 1});
  REQUIRE(random_bits(first, 0) != random_bits(second, 0));
}

TEST_CASE("a generator continues from a saved state") {
  Generator generator(0xfedcba9876543210);  // above the range of int64
  (void)generator.claim();
  State state;
  generator.save(StateWriter(state).scope("dropout"));
  Generator resumed(99);
  resumed.load(StateReader(state).scope("dropout"));
  REQUIRE(resumed.seed() == 0xfedcba9876543210);
  REQUIRE(resumed.claim() == generator.claim());
}

TEST_CASE("manual_seed restarts the default generator") {
  manual_seed(11);
  const PhiloxKey first = default_generator().claim();
  (void)default_generator().claim();
  manual_seed(11);
  REQUIRE(default_generator().claim() == first);
  manual_seed(0);
}

TEST_CASE("derived seeds differ from each other and from their source") {
  std::set<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    seeds.insert(seed);
    for (uint64_t index = 0; index < 32; ++index) {
      seeds.insert(derive_seed(seed, index));
    }
  }
  REQUIRE(seeds.size() == 32 + 32 * 32);
  REQUIRE(derive_seed(1, uint64_t{1} << 32) != derive_seed(1, 0));
  REQUIRE(derive_seed(uint64_t{1} << 32, 1) != derive_seed(0, 1));
}
