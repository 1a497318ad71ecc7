#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "apps/train/canvas.h"
#include "tests/apps/classifier.h"
#include "tests/core/scratch_folder.h"

namespace lv::test {

namespace fs = std::filesystem;

Arguments operator+(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Arguments tiny(const fs::path& run_dir, int epochs) {
  return {"--train-size",
          "96",
          "--eval-size",
          "24",
          "--image-size",
          "32",
          "--width",
          "4",
          "--batch-size",
          "16",
          "--epochs",
          std::to_string(epochs),
          "--lr",
          "0.02",
          "--ema",
          "0.9",
          "--mixup",
          "0.2",
          "--cutmix",
          "1",
          "--flip",
          "0.5",
          "--crop",
          "padded",
          "--clip-norm",
          "5",
          "--log-every",
          "1",
          "--checkpoint-every",
          "2",
          "--run-dir",
          run_dir.string()};
}

size_t last_bits(const fs::path& run_dir) {
  const fs::path last = run_dir / "checkpoints/last";
  return std::hash<std::string>()(read_file(last / "model.safetensors") + read_file(last / "train.safetensors") +
                                  read_file(last / "state.json"));
}

std::string run_classifier(const Arguments& arguments) {
  const ProgramResult result = run_program("train_classifier", arguments);
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  return result.out;
}

void write_pictures(const fs::path& root, const std::vector<std::string>& classes, int count) {
  for (size_t c = 0; c < classes.size(); ++c) {
    fs::create_directories(root / classes[c]);
    for (int i = 0; i < count; ++i) {
      train::Canvas picture(40 + 3 * i, 36, {uint8_t(40 * c), uint8_t(20 * i), 90});
      picture.fill(4 * i, 5, 12, 9, c == 0 ? train::kRed : train::kGreen);
      save_png(root / classes[c] / (std::to_string(i) + ".png"), picture);
    }
  }
}

void check_refused(const ProgramResult& result, int exit_code, const std::string& text, const std::string& program) {
  INFO(result.out << result.err);
  CHECK(result.exit_code == exit_code);
  CHECK_THAT(result.err, Catch::StartsWith(program + ": ") && Catch::Contains(text));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
}

}  // namespace lv::test
