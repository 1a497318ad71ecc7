// train_classifier and predict from end to end, at settings of seconds.

#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/cuda/driver.h"
#include "core/philox.h"
#include "tests/apps/classifier.h"
#include "tests/core/scratch_folder.h"
#include "tests/skip.h"

using namespace lv::test;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

size_t trained_bits(const fs::path& run_dir, const Arguments& more = {}, int epochs = 3) {
  run_classifier(tiny(run_dir, epochs) + more);
  return last_bits(run_dir);
}

}  // namespace

TEST_CASE("ten times killed at a random moment, a run goes on to the bits of an undisturbed one") {
  constexpr int kEpochs = 16;
  const Arguments resume{"--resume", "auto"};
  const ScratchFolder folder;
  const size_t whole = trained_bits(folder / "whole", {}, kEpochs);
  const fs::path run_dir = folder / "killed";
  for (uint64_t kill = 0; kill < 10; ++kill) {
    // Some lines after the start and up to 10 ms more: within a step, an evaluation, a checkpoint.
    const lv::PhiloxWords words = lv::random_block({5, kill}, 0);
    int64_t lines = 3 + int64_t(words.w[0] % 5);
    const auto on_line = [&](const std::string&) {
      if (--lines > 0) {
        return 0;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(words.w[1] % 10'000));
      return SIGKILL;
    };
    const ProgramResult result = run_program("train_classifier", tiny(run_dir, kEpochs) + resume, {.on_line = on_line});
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == -SIGKILL);
  }
  CHECK(trained_bits(run_dir, resume, kEpochs) == whole);
  // Metrics of steps that were done twice appear once.
  const std::string metrics = read_file(run_dir / "metrics.jsonl");
  CHECK(std::count(metrics.begin(), metrics.end(), '\n') == kEpochs * (6 + 1));
}

TEST_CASE("a signal ends a run in order, and it can be resumed") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const ScratchFolder folder;
  const size_t whole = trained_bits(folder / "whole");
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
  const ProgramResult result = run_program(
      "train_classifier", tiny(folder / "run") + Arguments{"--check-determinism", "3", "--precision", precision});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Contains("deterministic: 3 steps twice"));
  CHECK(folder.names().empty());
}

TEST_CASE("a step on the device has the loss of one on the CPU") {
  if (lv::cuda::device_count() == 0) {
    skip("no CUDA device");
    return;
  }
  const ScratchFolder folder;
  const auto losses = [&](const std::string& device) {
    const fs::path run_dir = folder / device;
    run_classifier({"--device", device, "--image-size", "16", "--width", "4", "--batch-size", "4", "--train-size", "8",
                    "--eval-size", "4", "--max-steps", "1", "--log-every", "1", "--run-dir", run_dir.string()});
    std::vector<double> found;
    std::ifstream metrics(run_dir / "metrics.jsonl");
    for (std::string line; std::getline(metrics, line);) {
      found.push_back(nlohmann::json::parse(line).at("loss"));
    }
    return found;
  };
  const std::vector<double> on_cpu = losses("cpu");
  const std::vector<double> on_device = losses("cuda");
  REQUIRE(on_cpu.size() == 2);  // of the step, and of the evaluation after it
  REQUIRE(on_device.size() == 2);
  CHECK(on_device[0] == Approx(on_cpu[0]).epsilon(1e-5));
  CHECK(on_device[1] == Approx(on_cpu[1]).epsilon(1e-3));
}

TEST_CASE("a profile is a trace of the steps and a table of the ten costliest operations") {
  const ScratchFolder folder;
  const std::string out = run_classifier(tiny(folder / "run", 1) + Arguments{"--profile", "3"});
  const std::string table = out.substr(out.find("3 steps profiled: "));
  CHECK_THAT(table, Contains("conv2d_weight_grad") && Contains("batch_norm") && Contains("share"));
  const auto rows = [](const std::string& text) { return std::count(text.begin(), text.end(), '%'); };
  CHECK(rows(table.substr(0, table.find("step "))) <= 10);
  const auto trace = nlohmann::json::parse(read_file(folder / "run/trace.json"));
  int64_t steps = 0;
  for (const auto& event : trace.at("traceEvents")) {
    CHECK(event.at("dur").get<double>() >= 0);
    steps += int64_t(event.at("name") == "load batch");
  }
  CHECK(steps == 3);
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
  CHECK_THAT(trained.out, Contains("left out: ") && Contains("broken.jpg") && Contains("files_left_out 1"));
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
