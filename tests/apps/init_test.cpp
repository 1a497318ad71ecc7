// Weights that come from elsewhere: --init of train_classifier.

#include <catch2/catch.hpp>

#include "apps/checkpoint/checkpoint_file.h"
#include "tests/apps/classifier.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv::test;
using Catch::Contains;

namespace {

// torch.save({"state_dict": DataParallel(network).state_dict(), "epoch": 3}) in half precision, ten classes.
std::string network_file() { return fixture("checkpoints/resnet18_module_half.pth").string(); }

/// Evaluation of a file's weights on a few scenes.
Arguments evaluation(const std::string& file) {
  return {"--eval-only", "--init", file, "--width", "4", "--image-size", "32", "--eval-size", "40"};
}

}  // namespace

TEST_CASE("train_classifier starts with what torch.save wrote, and with the same as safetensors") {
  const ScratchFolder folder;
  const std::string converted = folder / "network.safetensors";
  REQUIRE(run_program("convert_checkpoint", {"--only", "state_dict.module.", network_file(), converted}).exit_code ==
          0);
  const std::string measured = run_classifier(evaluation(converted));
  CHECK_THAT(measured, Contains("accuracy") && Contains("loss"));
  CHECK(run_classifier(evaluation(network_file()) + Arguments{"--init-prefix", "state_dict.module."}) == measured);
}

TEST_CASE("weights under a prefix are refused with the option that takes it off") {
  check_refused(run_program("train_classifier", evaluation(network_file())), 1,
                "its names begin with 'state_dict.module.', which --init-prefix state_dict.module. takes off");
  check_refused(run_program("train_classifier", evaluation(network_file()) + Arguments{"--init-prefix", "model."}), 1,
                "no name begins with \"model.\"");
  check_refused(
      run_program("train_classifier",
                  evaluation(network_file()) + Arguments{"--init-prefix", "state_dict.module.", "--stem", "imagenet"}),
      1, "is of another model than this run: its 'conv1.weight' is [4, 3, 3, 3], not [4, 3, 7, 7]");
}

TEST_CASE("a head for other classes is refused with the option that makes a new one") {
  const ScratchFolder folder;
  write_pictures(folder / "data/train", {"cat", "dog", "emu"}, 4);
  write_pictures(folder / "data/val", {"cat", "dog", "emu"}, 2);
  const Arguments training{"--data",        (folder / "data").string(),
                           "--image-size",  "32",
                           "--width",       "4",
                           "--batch-size",  "4",
                           "--epochs",      "1",
                           "--lr",          "0",
                           "--init",        network_file(),
                           "--init-prefix", "state_dict.module.",
                           "--run-dir",     (folder / "run").string()};
  check_refused(run_program("train_classifier", training), 1,
                "its 'fc.weight' is [10, 32], not [3, 32]; for other classes than the file's, --init-except fc.");
  check_refused(run_program("train_classifier", training + Arguments{"--init-except", "head."}), 1,
                "no weight of this run begins with 'head.'; the last one is 'fc.bias'");
  run_classifier(training + Arguments{"--init-except", "fc."});
  // At learning rate 0 every other weight is still that of the file.
  const auto trained = lv::load_safetensors(folder / "run/checkpoints/last/model.safetensors").tensors;
  const auto original = lv::checkpoint::load_checkpoint(network_file());
  int compared = 0;
  for (const auto& [name, tensor] : trained) {
    if (name.ends_with("weight") && !name.starts_with("fc.")) {
      INFO(name);
      const lv::Tensor& wanted = original.at("state_dict.module." + name);
      CHECK(tensor.to_vector<float>() == wanted.to(lv::DType::f32).to_vector<float>());
      ++compared;
    }
  }
  CHECK(compared == 40);
}
