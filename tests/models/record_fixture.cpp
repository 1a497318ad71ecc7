#include "tests/models/record_fixture.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "nn/init.h"
#include "tests/fixture.h"
#include "tests/fixture_numbers.h"

namespace lv::test {

namespace {

/// Whether `name` is the weight of the last norm of a residual branch: bn3, or bn2 where there is no bn3 beside it.
bool is_last_norm(std::string_view name, const std::set<std::string>& names) {
  if (name.ends_with("bn3.weight")) {
    return true;
  }
  const std::string_view suffix = "bn2.weight";
  return name.ends_with(suffix) &&
         !names.contains(std::string(name.substr(0, name.size() - suffix.size())) + "bn3.weight");
}

Tensor value_of(const std::string& name, const Shape& shape, const std::set<std::string>& names) {
  const std::string leaf = name.substr(name.rfind('.') + 1);
  if (leaf == "running_mean" || leaf == "bias") {
    return fixture_tensor(name, shape, 0.1);
  }
  if (leaf == "running_var") {
    return fixture_tensor(name, shape, 0.5, 1.0);
  }
  if (shape.rank() == 1) {
    const double factor = is_last_norm(name, names) ? 0.125 : 1.0;
    return fixture_tensor(name, shape, 0.25 * factor, factor);
  }
  return fixture_tensor(name, shape, std::sqrt(3.0 / double(numel(shape) / shape[0])));
}

}  // namespace

void fill_by_name(nn::Module& module) {
  const std::vector<NamedTensor> state = module.state_dict();
  std::set<std::string> names;
  for (const NamedTensor& entry : state) {
    names.insert(entry.name);
  }
  for (const NamedTensor& entry : state) {
    if (is_floating(entry.tensor.dtype())) {
      entry.tensor.copy_from(value_of(entry.name, entry.tensor.shape(), names));
    }
  }
}

Tensor fixture_images(const std::string& name, const Shape& shape, DType dtype) {
  return fixture_tensor(name, shape, 1.5).permute({0, 2, 3, 1}).contiguous().to(dtype);
}

std::vector<double> torch_order(const Tensor& tensor) { return tensor.to(DType::f64).to_vector<double>(); }
std::vector<double> torch_order_of_images(const Tensor& images) { return torch_order(images.permute({0, 3, 1, 2})); }

double relative_distance(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) {
    return INFINITY;
  }
  double scale = 0;
  double distance = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double difference = std::abs(got[i] - want[i]);
    distance = std::isnan(difference) ? INFINITY : std::max(distance, difference);
    scale = std::max(scale, std::abs(want[i]));
  }
  return distance == 0 ? 0 : distance / scale;
}

double l2_norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value * value;
  }
  return std::sqrt(sum);
}

std::vector<double> sample(const std::vector<double>& values, size_t count) {
  std::vector<double> result;
  for (size_t i = 0; i < count; ++i) {
    result.push_back(values[i * values.size() / count]);
  }
  return result;
}

Record::Record(std::string_view file) : file_(load_safetensors(fixture(file))) {
  f32_error_ = nlohmann::json::parse(file_.metadata.at("f32_error")).get<std::map<std::string, double>>();
}

std::vector<double> Record::at(const std::string& name) const { return torch_order(file_.at(name)); }

std::vector<double> Record::row(const std::string& name, size_t row) const {
  return torch_order(file_.at(name).select(0, int64_t(row)));
}

std::vector<std::string> Record::lines(const std::string& key) const {
  std::vector<std::string> result;
  std::istringstream text(file_.metadata.at(key));
  for (std::string line; std::getline(text, line);) {
    result.push_back(line);
  }
  return result;
}

}  // namespace lv::test
