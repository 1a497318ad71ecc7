#include "tests/ops/op_fixture.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/fixture.h"

namespace lv::test {

namespace {

/// Reads {"name":number, ...}, the form of the metadata's error lists.
std::map<std::string, double> parse_numbers(const std::string& json) {
  std::map<std::string, double> result;
  size_t at = 0;
  while ((at = json.find('"', at)) != std::string::npos) {
    const size_t end = json.find('"', at + 1);
    const size_t colon = json.find(':', end);
    result[json.substr(at + 1, end - at - 1)] = std::stod(json.substr(colon + 1));
    at = json.find_first_of(",}", colon);
  }
  return result;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Tensor to_channels_last(const Tensor& x) { return x.permute({0, 2, 3, 1}).contiguous(); }
Tensor to_channels_first(const Tensor& x) { return x.permute({0, 3, 1, 2}).contiguous(); }

OpFixture::OpFixture(std::string_view file)
    : file_(load_safetensors(fixture(file))), f32_error_(parse_numbers(file_.metadata.at("f32_error"))) {}

std::vector<std::string> OpFixture::cases() const {
  std::set<std::string> names;
  for (const NamedTensor& entry : file_.tensors) {
    names.insert(entry.name.substr(0, entry.name.find('/')));
  }
  return {names.begin(), names.end()};
}

void OpFixture::check(const std::string& name, const std::vector<std::string>& images, const Function& function) const {
  check_in(DType::f32, name, images, function);
  check_in(DType::f64, name, images, function);
}

void OpFixture::check_in(DType dtype, const std::string& name, const std::vector<std::string>& images,
                         const Function& function) const {
  Named inputs;
  const std::string prefix = name + "/in/";
  for (const NamedTensor& entry : file_.tensors) {
    const std::string input = entry.name.starts_with(prefix) ? entry.name.substr(prefix.size()) : "";
    if (input.empty() || input == "cotangent") {
      continue;
    }
    Tensor value = is_floating(entry.tensor.dtype()) ? entry.tensor.to(dtype) : entry.tensor;
    value = contains(images, input) ? to_channels_last(value) : value.detach();
    if (file_.find(name + "/grad/" + input) != nullptr) {
      value.set_requires_grad();
    }
    inputs[input] = value;
  }
  const Tensor output = function(inputs);
  const bool is_image = contains(images, "output");
  const Tensor plain = output.detach();
  compare(dtype, name + "/output", is_image ? to_channels_first(plain) : plain);
  if (!output.requires_grad()) {
    return;
  }
  const Tensor* cotangent = file_.find(prefix + "cotangent");
  const Tensor seed = cotangent != nullptr ? cotangent->to(dtype) : Tensor{};
  output.backward(is_image && seed.defined() ? to_channels_last(seed) : seed);
  for (const auto& [input, value] : inputs) {
    if (value.requires_grad()) {
      const Tensor grad = value.grad();
      REQUIRE(grad.defined());
      compare(dtype, name + "/grad/" + input, contains(images, input) ? to_channels_first(grad) : grad);
    }
  }
}

void OpFixture::compare(DType dtype, const std::string& key, const Tensor& actual) const {
  const std::vector<double> want = file_.at(key).to(DType::f64).to_vector<double>();
  const std::vector<double> got = actual.to(DType::f64).to_vector<double>();
  INFO(key << " in " << name(dtype));
  REQUIRE(actual.numel() == file_.at(key).numel());
  double scale = 0;
  double worst = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    scale = std::max(scale, std::abs(want[i]));
    const double distance = std::abs(want[i] - got[i]);
    worst = std::isnan(distance) && !(std::isnan(want[i]) && std::isnan(got[i])) ? INFINITY : std::max(worst, distance);
  }
  const auto zero = file_.metadata.find("zero");
  const bool vanishes = scale == 0 || (zero != file_.metadata.end() && zero->second.find(key) != std::string::npos);
  const auto recorded = f32_error_.find(key);
  const double own = recorded == f32_error_.end() ? 0.0 : recorded->second;
  const double floor = vanishes ? 2e-5 : 2e-6;
  const double allowed = dtype == DType::f64 ? 1e-10 : std::max(4 * own, floor);
  CHECK((vanishes ? worst : worst / scale) <= allowed);
}

}  // namespace lv::test
