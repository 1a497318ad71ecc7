// What goes wrong ends in one clear line on stderr: exit code 2 for usage, 1 for a failure.

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/apps/classifier.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv::test;
namespace fs = std::filesystem;

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
  check_refused(run_program("predict", {}), 2, "wants pictures", "predict");
  check_refused(run_program("inspect_model", {"--resolutoin", "9"}), 2, "did you mean '--resolution'?",
                "inspect_model");
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
  refused(tiny(folder / "run") + Arguments{"--init", (folder / "none.safetensors").string()},
          "none.safetensors: cannot open");
}

TEST_CASE("a checkpoint of another model and a run folder in use are refused") {
  const ScratchFolder folder;
  const fs::path run_dir = folder / "run";
  run_classifier(tiny(run_dir));
  check_refused(run_program("train_classifier", tiny(run_dir)), 1, "holds a run already");
  const std::string weights = (run_dir / "checkpoints/last").string();
  check_refused(
      run_program("train_classifier", tiny(folder / "other") + Arguments{"--init", weights, "--model", "resnet34"}), 1,
      "is of another model than this run: it has no 'layer1.2.");
  check_refused(run_program("train_classifier", tiny(run_dir) + Arguments{"--resume", "auto", "--stem", "imagenet"}), 1,
                "is of another model");
}

TEST_CASE("a loss that is no number ends a run with the name of the first bad tensor") {
  const ScratchFolder folder;
  Arguments arguments = tiny(folder / "run");
  std::replace(arguments.begin(), arguments.end(), std::string("0.02"), std::string("1e30"));
  check_refused(run_program("train_classifier", arguments), 1, "; the first tensor that is not finite is ");
}

TEST_CASE("a full disk ends a run with one line and leaves no half checkpoint") {
  const ScratchFolder folder;
  const ProgramResult result = run_program("train_classifier", tiny(folder / "run"), {.max_file_bytes = 30000});
  check_refused(result, 1, "cannot write");
  for (const auto& entry : fs::directory_iterator(folder / "run/checkpoints")) {
    CHECK(fs::exists(entry.path() / "state.json"));
  }
}

TEST_CASE("more unreadable pictures than the allowed share end a run by name and number") {
  const ScratchFolder folder;
  write_pictures(folder / "data/train", {"cat", "dog"}, 6);
  write_pictures(folder / "data/val", {"cat", "dog"}, 2);
  fs::copy(fixture("bad_inputs/jpeg_bad/no_dqt.jpg"), folder / "data/train/cat/bad1.jpg");
  fs::copy(fixture("bad_inputs/png_bad/zlib_corrupt.png"), folder / "data/train/dog/bad2.png");
  const Arguments training{"--data",         (folder / "data").string(),
                           "--image-size",   "32",
                           "--width",        "4",
                           "--epochs",       "2",
                           "--batch-size",   "7",
                           "--run-dir",      (folder / "run").string(),
                           "--max-bad-share"};
  check_refused(run_program("train_classifier", training + Arguments{"0.1"}), 1,
                "2 of 14 samples cannot be read, more than the allowed share of 0.1; the last one: ");
  fs::remove_all(folder / "run");
  CHECK_THAT(run_classifier(training + Arguments{"0.15"}),
             Catch::Contains("bad1.jpg: ") && Catch::Contains("bad2.png: ") && Catch::Contains("files_left_out 2"));
}

TEST_CASE("predict refuses what is no picture, no model and no place to write") {
  const ScratchFolder folder;
  const auto refused = [&](const Arguments& arguments, const std::string& text) {
    check_refused(run_program("predict", arguments), 1, text, "predict");
  };
  run_classifier(tiny(folder / "run", 1));
  write_pictures(folder / "pictures", {"cat"}, 1);
  const std::string picture = (folder / "pictures/cat/0.png").string();
  const Arguments weights{"--weights", (folder / "run/checkpoints/last").string()};
  const std::string broken = fixture("bad_inputs/jpeg_bad/no_dqt.jpg").string();
  refused(weights + Arguments{"--output", (folder / "page.png").string(), broken}, "no_dqt.jpg: ");
  refused(weights + Arguments{"--output", "/dev/null/page.png", picture}, "/dev/null/page.png");
  refused({"--weights", (folder / "none").string(), picture}, "none: cannot open");
  const std::string network = fixture("checkpoints/resnet18_module_half.pth").string();
  refused({"--weights", network, picture}, "does not say what model it holds");
  CHECK(!fs::exists(folder / "page.png"));
}
