// Files that torch.save wrote (tools/write_checkpoints.py), against what torch had in memory.

#include "apps/checkpoint/torch_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "apps/checkpoint/checkpoint_file.h"
#include "autograd/grad_mode.h"
#include "models/registry.h"
#include "nn/state_dict.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"
#include "tests/fixture_numbers.h"

using namespace lv;
using namespace lv::checkpoint;
using Catch::Contains;

namespace {

const SafetensorsFile& expected() {
  static const SafetensorsFile file = load_safetensors(test::fixture("checkpoints/expected.safetensors"));
  return file;
}

SafetensorsFile load(const std::string& name) { return load_torch_file(test::fixture("checkpoints/" + name)); }

void check_equal(const Tensor& got, const Tensor& want) {
  REQUIRE(got.dtype() == want.dtype());
  REQUIRE(got.shape() == want.shape());
  const Tensor x = got.contiguous();
  const Tensor y = want.contiguous();
  CHECK(std::memcmp(x.raw_data(), y.raw_data(), size_t(x.size_bytes())) == 0);
}

/// That `file` holds what is expected of the fixture `name`, and nothing else.
void check_tensors(const SafetensorsFile& file, const std::string& name) {
  size_t count = 0;
  for (const NamedTensor& want : expected().tensors) {
    if (want.name.starts_with(name + "/")) {
      const std::string path = want.name.substr(name.size() + 1);
      INFO(name << " " << path);
      check_equal(file.at(path), want.tensor);
      ++count;
    }
  }
  CHECK(count > 0);
  CHECK(file.tensors.size() == count);
}

}  // namespace

TEST_CASE("what torch.save wrote is read back, bit for bit") {
  for (const std::string name : {"plain.pth", "nested.pth", "dtypes.pth", "shared.pth", "protocol5.pth"}) {
    check_tensors(load(name), name);
  }
}

TEST_CASE("the layout of torch 1.6 and files without checksums are read") {
  check_tensors(load("torch_1.6.pth"), "plain.pth");
  CHECK(load("without_checksums.pth").at("a").to_vector<float>() == std::vector<float>{1, 1});
}

TEST_CASE("numbers and texts of a checkpoint become metadata") {
  const SafetensorsMetadata metadata = load("nested.pth").metadata;
  CHECK(metadata.at("epoch") == "90");
  CHECK(metadata.at("best") == "76.125");
  CHECK(metadata.at("arch") == "small");
  CHECK(metadata.at("done") == "true");
  CHECK(metadata.at("optimizer.param_groups.0.lr") == "0.001");
  CHECK(metadata.at("history.1.1.1") == "4");
  CHECK(metadata.count("nothing") == 0);
  CHECK(load("dtypes.pth").metadata.at("large") == "1099511627776");
}

TEST_CASE("tensors that share a storage in the file share it in memory") {
  const SafetensorsFile file = load("shared.pth");
  CHECK(file.at("row").storage()->data == file.at("base").storage()->data);
  CHECK(file.at("encoder.weight").storage()->data == file.at("decoder.weight").storage()->data);
  CHECK(file.at("transposed").strides() == Strides{1, 6});
}

TEST_CASE("a file of the form before 1.6 is refused with the way to convert it") {
  CHECK_THROWS_WITH(load("before_1.6.pth"), Contains("before_1.6.pth") && Contains("torch.save(torch.load("));
}

TEST_CASE("a checkpoint in half precision with a module prefix converts and evaluates") {
  const test::ScratchFolder folder;
  const auto source = load_checkpoint(test::fixture("checkpoints/resnet18_module_half.pth"));
  const auto renamed = rename(source.tensors, "state_dict.", "module.");
  save_checkpoint(folder / "network.safetensors", renamed, source.metadata);
  const SafetensorsFile converted = load_checkpoint(folder / "network.safetensors");
  CHECK(converted.metadata.at("epoch") == "3");

  const auto model = models::make("resnet18", {.classes = 10, .stem = models::Stem::cifar, .width = 4});
  nn::load_state_dict(*model, converted.tensors);
  model->eval();
  model->to(DType::f64);
  const autograd::NoGradGuard no_grad;
  const Tensor images = test::fixture_tensor("input", {2, 3, 32, 32}, 1.5).permute({0, 2, 3, 1}).contiguous();
  const std::vector<double> logits = model->forward(images.to(DType::f64)).to_vector<double>();
  const std::vector<double> want = expected().at("logits").to_vector<double>();
  REQUIRE(logits.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    CHECK(logits[i] == Approx(want[i]).epsilon(1e-10));
  }
}

TEST_CASE("a checkpoint written for torch is read back, bit for bit") {
  const test::ScratchFolder folder;
  const SafetensorsFile file = load("dtypes.pth");
  save_checkpoint(folder / "again.pth", file.tensors, {});
  const SafetensorsFile again = load_checkpoint(folder / "again.pth");
  REQUIRE(again.tensors.size() == file.tensors.size());
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    INFO(file.tensors[i].name);
    CHECK(again.tensors[i].name == file.tensors[i].name);
    check_equal(again.tensors[i].tensor, file.tensors[i].tensor);
  }
  CHECK(folder.names() == std::vector<std::string>{"again.pth"});
}

TEST_CASE("a view is written for torch by itself, without the rest of its storage") {
  const test::ScratchFolder folder;
  const Tensor base = test::fixture_tensor("base", {8, 6});
  const std::vector<NamedTensor> views{{"part", base.slice(1, 1, 6, 2)}};
  save_torch_file(folder / "view.pth", views);
  check_equal(load_torch_file(folder / "view.pth").at("part"), base.slice(1, 1, 6, 2));
}

TEST_CASE("names that cannot be written, or meet after renaming, are refused") {
  const test::ScratchFolder folder;
  const Tensor one = Tensor::zeros({1});
  const std::vector<NamedTensor> twice{{"a", one}, {"a", one}};
  CHECK_THROWS_WITH(save_torch_file(folder / "a.pth", twice), Contains("\"a\""));
  CHECK_THROWS_WITH(save_checkpoint(folder / "a.bin", twice, {}), Contains(".safetensors, .pth or .pt"));
  const std::vector<NamedTensor> meeting{{"module.a", one}, {"a", one}};
  CHECK_THROWS_WITH(rename(meeting, "", "module."), Contains("\"a\""));
  CHECK_THROWS_WITH(rename(meeting, "model.", ""), Contains("\"model.\"") && Contains("\"module.a\""));
  CHECK(folder.names().empty());
}
