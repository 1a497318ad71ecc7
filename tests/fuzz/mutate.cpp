// Runs a fuzz target on mutations of its seeds: a fixed sequence, so that a finding comes again. Without libFuzzer's
// feedback, for every build; any finding aborts the program or is reported by a sanitizer. With the name of a folder it
// writes the seeds there instead, a corpus for libFuzzer.

#include <fmt/format.h>

#include <fstream>
#include <random>

#include "tests/fuzz/fuzz.h"

namespace {

constexpr int kRounds = 60'000;

class Mutator {
 public:
  std::string operator()(std::string bytes, const std::string& other) {
    const uint64_t count = 1 + random_() % 4;
    for (uint64_t i = 0; i < count; ++i) {
      change(bytes, other);
    }
    if (random_() % 2 == 0) {
      fuzz_repair(bytes);
    }
    return bytes;
  }

 private:
  size_t place(const std::string& bytes) { return bytes.empty() ? 0 : size_t(random_() % bytes.size()); }

  void change(std::string& bytes, const std::string& other) {
    const size_t at = place(bytes);
    const size_t length = std::min<size_t>(size_t(random_() % 16), bytes.size() - at);
    switch (random_() % 6) {
      case 0:
        bytes.insert(at, tokens_[random_() % tokens_.size()]);
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 3:
        bytes.replace(at, length, tokens_[random_() % tokens_.size()]);
        break;
      case 4:
        bytes.insert(at, other.substr(place(other), length));
        break;
      default:
        if (!bytes.empty()) {
          bytes[at] = char(random_());
        }
    }
  }

  const std::vector<std::string_view> tokens_ = fuzz_tokens();
  std::mt19937_64 random_{20240607};
};

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> seeds = fuzz_seeds();
  if (count > 1) {
    for (size_t i = 0; i < seeds.size(); ++i) {
      std::ofstream(fmt::format("{}/seed{}", arguments[1], i), std::ios::binary) << seeds[i];
    }
    return 0;
  }
  Mutator mutate;
  for (const std::string& seed : seeds) {
    run(seed);
  }
  for (size_t round = 0; round < kRounds; ++round) {
    const size_t own = round % seeds.size();
    run(mutate(seeds[own], seeds[(own + round / 7) % seeds.size()]));
  }
  fmt::print("{} inputs\n1 passed, 0 failed, 0 skipped\n", kRounds + seeds.size());
}
