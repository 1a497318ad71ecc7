#include "nn/module.h"

#include <catch2/catch.hpp>

#include "nn/state_dict.h"

using namespace lv;
using namespace lv::nn;
using Catch::Contains;

namespace {

class Layer : public Module {
 public:
  explicit Layer(double value) : weight(Tensor::full({2, 3}, value)), mean(Tensor::zeros({3})) {
    add_parameter("weight", weight);
    add_buffer("running_mean", mean);
  }
  Tensor weight;
  Tensor mean;
};

class Net : public Module {
 public:
  Net() {
    add("conv1", conv1);
    add("fc", fc);
    add_parameter("scale", scale);
    add_parameter("tied", conv1.weight);
  }
  Layer conv1{1};
  Layer fc{2};
  Tensor scale = Tensor::scalar(3);
};

std::vector<std::string> names(const std::vector<NamedTensor>& entries) {
  std::vector<std::string> result;
  for (const NamedTensor& entry : entries) {
    result.push_back(entry.name);
  }
  return result;
}

}  // namespace

TEST_CASE("the state dict has every name, the parameter list every tensor once") {
  const Net net;
  CHECK(names(net.state_dict()) == std::vector<std::string>{"scale", "tied", "conv1.weight", "conv1.running_mean",
                                                            "fc.weight", "fc.running_mean"});
  CHECK(names(net.named_parameters()) == std::vector<std::string>{"scale", "tied", "fc.weight"});
  CHECK(names(net.named_buffers()) == std::vector<std::string>{"conv1.running_mean", "fc.running_mean"});
}

TEST_CASE("conversion keeps tied parameters tied and parameters trainable") {
  Net net;
  net.to(DType::f64);
  CHECK(net.named_parameters().size() == 3);
  CHECK(net.conv1.weight.dtype() == DType::f64);
  CHECK(net.conv1.weight.requires_grad());
  CHECK(net.conv1.mean.dtype() == DType::f64);
}

TEST_CASE("loading copies by name and converts") {
  Net target;
  Net source;
  source.to(DType::f64);
  source.fc.weight.fill(7);
  copy_state(source, target);
  CHECK(target.fc.weight.to_vector<float>() == std::vector<float>(6, 7.0F));
}

TEST_CASE("a state dict that does not fit is refused with every difference, and nothing is copied") {
  Net net;
  std::vector<NamedTensor> entries = net.state_dict();
  for (NamedTensor& entry : entries) {
    entry.tensor = Tensor::full(entry.tensor.shape(), 9);
  }
  SECTION("a prefix") {
    for (NamedTensor& entry : entries) {
      entry.name = "module." + entry.name;
    }
    CHECK_THROWS_WITH(load_state_dict(net, entries), Contains("missing") && Contains("conv1.weight [2, 3]") &&
                                                         Contains("unexpected") &&
                                                         Contains("stripping the prefix \"module.\""));
    load_state_dict(net, entries, {.strip_prefix = "module.", .allow_missing = {}});
    CHECK(net.scale.item() == 9);
  }
  SECTION("a shape") {
    entries[4].tensor = Tensor::zeros({3, 2});
    CHECK_THROWS_WITH(load_state_dict(net, entries), Contains("fc.weight: wants [2, 3], got [3, 2]"));
    CHECK(net.scale.item() == 3);
  }
  SECTION("a hole") {
    entries.erase(entries.begin() + 4, entries.end());
    CHECK_THROWS_WITH(load_state_dict(net, entries), Contains("fc.running_mean [3]"));
    load_state_dict(net, entries, {.strip_prefix = {}, .allow_missing = {"fc.*"}});
    CHECK(net.scale.item() == 9);
  }
}

TEST_CASE("training mode reaches every descendant") {
  Net net;
  net.eval();
  CHECK(!net.fc.is_training());
  net.train();
  CHECK(net.conv1.is_training());
}
