#pragma once

#include <cstdint>

#include "core/philox.h"
#include "core/stateful.h"

namespace lv {

/// A source of keys for random ops. Not for use from several threads at once: the order of claims decides the numbers.
class Generator final : public Stateful {
 public:
  explicit Generator(uint64_t seed) : next_{seed, 0} {}

  /// The key of one random op; advances the generator.
  [[nodiscard]] PhiloxKey claim() {
    const PhiloxKey key = next_;
    ++next_.offset;
    return key;
  }

  [[nodiscard]] uint64_t seed() const { return next_.seed; }
  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 private:
  PhiloxKey next_;
};

/// A seed for stream `index` under `seed` (a rank, an epoch, a sample): different and unrelated for every pair.
[[nodiscard]] uint64_t derive_seed(uint64_t seed, uint64_t index);

/// The generator that random ops use when they are given none; seed 0 until manual_seed.
Generator& default_generator();

/// Restarts the default generator with `seed`.
void manual_seed(uint64_t seed);

}  // namespace lv
