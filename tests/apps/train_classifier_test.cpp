// train_classifier and predict from end to end, at settings of seconds.

#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "apps/train/canvas.h"
#include "core/philox.h"
#include "tests/apps/program.h"
#include "tests/core/scratch_folder.h"
#include "tests/skip.h"

using namespace lv::test;
using Catch::Contains;
using lv::train::Canvas;

namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

/// Three epochs of six steps, with everything on that has a state.
Arguments tiny(const fs::path& run_dir, const Arguments& more = {}) {
  Arguments arguments{"--train-size",
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
                      "3",
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
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// The bits that a run ended with.
std::string last_bits(const fs::path& run_dir) {
  const fs::path last = run_dir / "checkpoints/last";
  return read_file(last / "model.safetensors") + read_file(last / "train.safetensors") + read_file(last / "state.json");
}

std::string trained_bits(const fs::path& run_dir, const Arguments& more = {}) {
  const ProgramResult result = run_program("train_classifier", tiny(run_dir, more));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return last_bits(run_dir);
}

/// Class folders with `count` pictures each.
void write_pictures(const fs::path& root, const std::vector<std::string>& classes, int count) {
  for (size_t c = 0; c < classes.size(); ++c) {
    fs::create_directories(root / classes[c]);
    for (int i = 0; i < count; ++i) {
      Canvas picture(40 + 3 * i, 36, {uint8_t(40 * c), uint8_t(20 * i), 90});
      picture.fill(4 * i, 5, 12, 9, c == 0 ? lv::train::kRed : lv::train::kGreen);
      save_png(root / classes[c] / (std::to_string(i) + ".png"), picture);
    }
  }
}

/// One line on stderr that begins with the program's name, nothing on stdout.
void check_refused(const ProgramResult& result, int exit_code, const std::string& text) {
  INFO(result.out << result.err);
  CHECK(result.exit_code == exit_code);
  CHECK_THAT(result.err, Catch::StartsWith("train_classifier: ") && Contains(text));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("a killed run goes on to the bits of an undisturbed one") {
  const ScratchFolder folder;
  const std::string whole = trained_bits(folder / "whole");
  const fs::path run_dir = folder / "killed";
  int kills = 0;
  for (uint64_t attempt = 0; attempt < 20; ++attempt) {
    // Killed some lines after the start, at whatever the program then does: a step, an evaluation, a checkpoint.
    int64_t lines = 3 + int64_t(lv::random_block(lv::PhiloxKey{5, attempt}, 0).w[0] % 8);
    const auto on_line = [&lines](const std::string&) { return --lines == 0 ? SIGKILL : 0; };
    const ProgramResult result =
        run_program("train_classifier", tiny(run_dir, {"--resume", "auto"}), {.on_line = on_line});
    INFO(result.out << result.err);
    if (result.exit_code == 0) {
      break;
    }
    REQUIRE(result.exit_code == -SIGKILL);
    ++kills;
  }
  CHECK(kills >= 2);
  CHECK(last_bits(run_dir) == whole);
  // Metrics of steps that were done twice appear once.
  const std::string metrics = read_file(run_dir / "metrics.jsonl");
  CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 18 + 3);
}

TEST_CASE("a signal ends a run in order, and it can be resumed") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const ScratchFolder folder;
  const std::string whole = trained_bits(folder / "whole");
  int lines = 6;
  const auto on_line = [&](const std::string&) { return --lines == 0 ? signal : 0; };
  const ProgramResult stopped = run_program("train_classifier", tiny(folder / "stopped"), {.on_line = on_line});
  INFO(stopped.out << stopped.err);
  CHECK(stopped.exit_code == 0);
  CHECK_THAT(stopped.out, Contains("stopped: resumable at step "));
  CHECK(trained_bits(folder / "stopped", {"--resume", "auto"}) == whole);
}

TEST_CASE("one and two threads give the same bits") {
  const ScratchFolder folder;
  CHECK(trained_bits(folder / "one", {"--threads", "1", "--workers", "1"}) ==
        trained_bits(folder / "two", {"--threads", "2", "--workers", "3"}));
}

TEST_CASE("determinism is checked in every precision") {
  const auto precision = GENERATE(as<std::string>{}, "fp32", "bf16", "fp16");
  const ScratchFolder folder;
  const ProgramResult result =
      run_program("train_classifier", tiny(folder / "run", {"--check-determinism", "3", "--precision", precision}));
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Contains("deterministic: 3 steps twice"));
  CHECK(folder.names().empty());
}

TEST_CASE("class folders: training, evaluation of the result, prediction; a broken file is left out") {
  const ScratchFolder folder;
  write_pictures(folder / "data/train", {"cat", "dog", "emu"}, 6);
  write_pictures(folder / "data/val", {"cat", "dog", "emu"}, 2);
  std::ofstream(folder / "data/train/cat/broken.jpg") << "no picture";
  const std::string run_dir = (folder / "run").string();
  const Arguments common{"--data", (folder / "data").string(), "--image-size", "32", "--width", "4"};
  Arguments training = common;
  for (const char* argument : {"--crop", "resized", "--batch-size", "5", "--epochs", "2", "--max-bad-share", "0.1",
                               "--run-dir", run_dir.c_str()}) {
    training.emplace_back(argument);
  }
  const ProgramResult trained = run_program("train_classifier", training);
  INFO(trained.out << trained.err);
  REQUIRE(trained.exit_code == 0);
  CHECK_THAT(trained.out, Contains("left out: ") && Contains("broken.jpg"));
  const std::string best = run_dir + "/checkpoints/best";

  Arguments evaluation = common;
  evaluation.insert(evaluation.end(), {"--eval-only", "--init", best});
  const ProgramResult evaluated = run_program("train_classifier", evaluation);
  CHECK(evaluated.exit_code == 0);
  const size_t reported = trained.out.rfind("(best)");
  const std::string line = trained.out.substr(trained.out.rfind('\n', reported) + 1);
  CHECK_THAT(line, Contains(evaluated.out.substr(0, evaluated.out.find("  loss"))));

  const std::string page = (folder / "page.png").string();
  const ProgramResult predicted =
      run_program("predict", {"--weights", best, "--output", page, (folder / "data/val/dog/1.png").string(),
                              (folder / "data/val/cat/0.png").string()});
  INFO(predicted.err);
  CHECK(predicted.exit_code == 0);
  CHECK_THAT(predicted.out, Contains("dog/1.png:") && Contains("cat/0.png:") && Contains("emu") && Contains(" %"));
  CHECK(fs::file_size(page) > 1000);
}

TEST_CASE("usage errors: one clear line, exit code 2") {
  const ScratchFolder folder;
  const auto refused = [&](const Arguments& arguments, const std::string& text) {
    check_refused(run_program("train_classifier", arguments), 2, text);
  };
  refused({"--batch-sise", "3"}, "unknown option '--batch-sise'; did you mean '--batch-size'?");
  refused({"--lr", "fast"}, "--lr: wants a number, got 'fast'");
  refused({"--model", "resnet5"}, "--model: wants one of");
  refused({"--eval-only"}, "--eval-only: wants the weights to measure");
  refused({"--config", (folder / "none.toml").string()}, "cannot read");
  std::ofstream(folder / "typo.toml") << "[optim]\nlerning-rate = 1\nlr = 0.1\n";
  refused({"--config", (folder / "typo.toml").string()}, "typo.toml:2: unknown key 'optim.lerning-rate'");
  check_refused(run_program("train_classifier", {}, {.environment = {{"LV_EPOCHS", "x"}}}), 2, "LV_EPOCHS");
  const ProgramResult predict = run_program("predict", {});
  CHECK(predict.exit_code == 2);
}

TEST_CASE("failures: one clear line, exit code 1") {
  const ScratchFolder folder;
  const auto refused = [&](const Arguments& arguments, const std::string& text) {
    check_refused(run_program("train_classifier", arguments), 1, text);
  };
  const std::string data = (folder / "data").string();
  refused({"--data", data}, data + ": there is no such folder");
  fs::create_directory(folder / "data");
  refused({"--data", data}, data);
  fs::create_directories(folder / "data/train");
  refused({"--data", data}, "data/train");
  write_pictures(folder / "data/train", {"cat", "dog"}, 2);
  fs::create_directories(folder / "data/train/empty");
  refused({"--data", data}, "empty");
  fs::remove(folder / "data/train/empty");
  write_pictures(folder / "data/val", {"cat", "fox"}, 2);
  refused({"--data", data}, "must be the same");
  refused(tiny("/dev/null/run"), "/dev/null/run");
  refused(tiny(folder / "run", {"--init", (folder / "none.safetensors").string()}), "none.safetensors: cannot open");
}

TEST_CASE("a checkpoint of another model and a run folder in use are refused") {
  const ScratchFolder folder;
  const fs::path run_dir = folder / "run";
  trained_bits(run_dir);
  check_refused(run_program("train_classifier", tiny(run_dir)), 1, "holds a run already");
  const std::string weights = (run_dir / "checkpoints/last").string();
  check_refused(run_program("train_classifier", tiny(folder / "other", {"--init", weights, "--model", "resnet34"})), 1,
                "is of another model than this run: it has no 'layer1.2.");
  check_refused(run_program("train_classifier", tiny(run_dir, {"--resume", "auto", "--stem", "imagenet"})), 1,
                "is of another model");
}

TEST_CASE("a full disk ends a run with one line and leaves no half checkpoint") {
  const ScratchFolder folder;
  const ProgramResult result = run_program("train_classifier", tiny(folder / "run"), {.max_file_bytes = 30000});
  check_refused(result, 1, "cannot write");
  for (const auto& entry : fs::directory_iterator(folder / "run/checkpoints")) {
    CHECK(fs::exists(entry.path() / "state.json"));
  }
}

TEST_CASE("the shipped configurations are read, and print themselves") {
  for (const auto& entry : fs::directory_iterator(fs::path(LV_SOURCE) / "configs")) {
    const ScratchFolder folder;
    INFO(entry.path());
    const ProgramResult first = run_program("train_classifier", {"--print-config", "--config", entry.path().string()});
    REQUIRE(first.exit_code == 0);
    std::ofstream(folder / "again.toml") << first.out;
    const ProgramResult second =
        run_program("train_classifier", {"--print-config", "--config", (folder / "again.toml").string()});
    CHECK(second.out == first.out);
  }
}
