#include "core/generator.h"

namespace lv {

void Generator::save(const StateWriter& writer) const {
  writer.put("seed", int64_t(next_.seed));
  writer.put("offset", int64_t(next_.offset));
}

void Generator::load(const StateReader& reader) {
  next_ = {uint64_t(reader.get<int64_t>("seed")), uint64_t(reader.get<int64_t>("offset"))};
}

uint64_t derive_seed(uint64_t seed, uint64_t index) {
  // The upper half of the counter keeps these words apart from the numbers that keys with the same seed give.
  const PhiloxWords counter{{uint32_t(index), uint32_t(index >> 32), 0xFFFFFFFFU, 0xFFFFFFFFU}};
  const PhiloxWords words = philox4x32_10(counter, uint32_t(seed), uint32_t(seed >> 32));
  return uint64_t(words.w[1]) << 32 | words.w[0];
}

Generator& default_generator() {
  static Generator instance(0);
  return instance;
}

void manual_seed(uint64_t seed) { default_generator() = Generator(seed); }

}  // namespace lv
