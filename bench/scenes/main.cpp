// Times the generator of Digit Scenes on one thread, and a loader of them on one and two.
// usage: bench_scenes [SECONDS]    for each figure, 2 by default

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "apps/data/digit_scene.h"
#include "apps/data/loader.h"
#include "core/error.h"

using namespace lv;

namespace {

/// How often a second `run`, which does the work `amount` times, gets it done.
double rate(double seconds, const std::function<int64_t()>& run) {
  run();
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  int64_t amount = 0;
  double elapsed = 0;
  while (elapsed < seconds) {
    amount += run();
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return double(amount) / elapsed;
}

class Scenes final : public data::SampleSource {
 public:
  [[nodiscard]] int64_t size() const override { return int64_t{1} << 40; }
  [[nodiscard]] TensorList sample(int64_t index, PhiloxKey) const override {
    const data::DigitScene scene = data::make_digit_scene({}, data::Split::train, 0, index);
    const Tensor image = Tensor::empty({scene.image.height, scene.image.width, 3}, DType::u8);
    std::memcpy(image.raw_data(), scene.image.pixels.data(), scene.image.pixels.size());
    return {image, Tensor::from<int64_t>({scene.label}, {})};
  }
  [[nodiscard]] std::string name(int64_t index) const override { return fmt::format("scene {}", index); }
};

void run(double seconds) {
  for (const int64_t side : {64, 96, 224, 448}) {
    int64_t index = 0;
    const double scenes = rate(seconds, [&] {
      (void)data::make_digit_scene({.height = side, .width = side}, data::Split::train, 0, index++);
      return int64_t{1};
    });
    fmt::print("make_digit_scene {0} x {0}: {1:.0f} a second\n", side, scenes);
  }
  const Scenes scenes;
  for (const int workers : {1, 2}) {
    data::Loader loader(scenes, {.batch_size = 64, .workers = workers});
    const double loaded = rate(seconds, [&] { return int64_t(loader.next()->indices.size()); });
    fmt::print("loader, 96 x 96, batches of 64, workers: {}; {:.0f} scenes a second\n", workers, loaded);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::atof(argv[1]) : 2.0);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
