// Times decoding + random resized crop 224 + normalisation on one core: bench_decode FILE... keeps the files in memory
// and, for each line "SEED MIN_REDUCTION" of its input, answers the milliseconds a picture. bench/peers/decode.py asks.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "apps/data/transforms.h"
#include "core/file.h"

namespace {

std::string read_file(const char* path) {
  const lv::MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

int main(int count, char** arguments) {
  using namespace lv::data;
  std::vector<std::string> files;
  for (int i = 1; i < count; ++i) {
    files.push_back(read_file(arguments[i]));
  }
  uint64_t seed = 0;
  double min_reduction = 0;
  while (std::cin >> seed >> min_reduction) {
    const Pipeline pipeline{.steps = {RandomResizedCrop{.size = 224, .min_reduction = min_reduction}}};
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < files.size(); ++i) {
      const EncodedImage encoded(std::as_bytes(std::span(files[i])), arguments[i + 1]);
      (void)run(pipeline, encoded, {.seed = seed, .offset = i});
    }
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    fmt::print("{}\n", elapsed.count() / double(files.size()));
    std::fflush(stdout);
  }
}
