// convert_checkpoint and inspect_model as a user runs them.

#include <catch2/catch.hpp>
#include <fstream>

#include "core/safetensors.h"
#include "tests/apps/program.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv::test;
using Catch::Contains;

namespace {

std::string checkpoint(const std::string& name) { return fixture("checkpoints/" + name).string(); }

}  // namespace

TEST_CASE("convert_checkpoint keeps a part of a checkpoint, without its prefix, and brings it back") {
  const ScratchFolder folder;
  const std::string kept = folder / "kept.safetensors";
  const ProgramResult result = run_program(
      "convert_checkpoint", {"--only", "state_dict.", "--strip-prefix", "module.", checkpoint("nested.pth"), kept});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK(lv::load_safetensors(kept).metadata.at("epoch") == "90");
  // The same network was saved by itself in plain.pth.
  CHECK(run_program("convert_checkpoint", {"--diff", kept, checkpoint("plain.pth")}).exit_code == 0);
  const std::string again = folder / "again.pth";
  CHECK(run_program("convert_checkpoint", {kept, again}).exit_code == 0);
  CHECK(run_program("convert_checkpoint", {"--diff", kept, again}).exit_code == 0);
}

TEST_CASE("convert_checkpoint lists a checkpoint and tells two apart") {
  const ProgramResult listed = run_program("convert_checkpoint", {"--list", checkpoint("dtypes.pth")});
  CHECK(listed.exit_code == 0);
  CHECK_THAT(listed.out,
             Contains("bf16  [2]  bf16\n") && Contains("empty  [0, 3]  f32\n") && Contains("large = 1099511627776\n"));
  const ProgramResult compared =
      run_program("convert_checkpoint", {"--diff", checkpoint("plain.pth"), checkpoint("protocol5.pth")});
  CHECK(compared.exit_code == 1);
  CHECK_THAT(compared.out, Contains("- 0.weight  [4, 3, 3, 3] f32\n") && Contains("+ b.c  [1] f32\n"));
}

TEST_CASE("convert_checkpoint refuses with one line: 1 for a file, 2 for its use") {
  const ScratchFolder folder;
  const std::string output = folder / "out.safetensors";
  std::ofstream(folder / "bad.pth") << "PK\3\4 and no more";
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    std::string text;
  };
  const Case cases[] = {
      {{}, 2, "a file to read and one to write"},
      {{"--list", "--diff", "a", "b"}, 2, "not both"},
      {{"--lst", "a"}, 2, "--list"},
      {{"nothing.pth", output}, 1, "nothing.pth"},
      {{folder / "bad.pth", output}, 1, "bad.pth: has no directory"},
      {{checkpoint("before_1.6.pth"), output}, 1, "before 1.6"},
      {{checkpoint("plain.pth"), folder / "out.onnx"}, 1, ".safetensors, .pth or .pt"},
      {{"--only", "model.", checkpoint("plain.pth"), output}, 1, "no name begins with \"model.\""},
  };
  for (const Case& c : cases) {
    const ProgramResult result = run_program("convert_checkpoint", c.arguments);
    INFO(result.err);
    CHECK(result.exit_code == c.exit_code);
    CHECK_THAT(result.err, Contains(c.text));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(result.out.empty());
  }
  CHECK(folder.names() == std::vector<std::string>{"bad.pth"});
}

TEST_CASE("inspect_model prints a table of layers, the totals and the memory") {
  const ProgramResult result =
      run_program("inspect_model", {"--model", "resnet18", "--stem", "cifar", "--resolution", "32", "--classes", "10"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Contains("layer1.0.conv1") && Contains("[1, 32, 32, 64]"));
  // 11,173,962 parameters and 555,422,720 multiply-adds are the well-known numbers of this form.
  CHECK_THAT(result.out, Contains("11,173,962") && Contains("555,422,720"));
  CHECK_THAT(result.out, Contains("parameters                   45 MB") && Contains("training in all"));
  const ProgramResult unknown = run_program("inspect_model", {"--model", "resnet51"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("resnet50"));
  CHECK_THAT(run_program("inspect_model", {"--help"}).out, Contains("--resolution") && Contains("resnext50_32x4d"));
}
