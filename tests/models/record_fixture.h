#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/safetensors.h"
#include "nn/module.h"

// Records of public networks: what torchvision's models gave, in float64, for weights and images from the generator of
// tests/fixture_numbers.h. Tensors are as in PyTorch, images N, C, H, W.

namespace lv::test {

/// Fills parameters and running statistics by the rules of the records: fan-in scaled weights, norm weights around 1,
/// those of each branch's last norm an eighth of that.
void fill_by_name(nn::Module& module);

/// The record's images `name` as [N, H, W, C] in `dtype`. shape: [N, C, H, W].
Tensor fixture_images(const std::string& name, const Shape& shape, DType dtype);

/// All elements in the order of PyTorch's layout; images [N, H, W, C] come as N, C, H, W.
std::vector<double> torch_order(const Tensor& tensor);
std::vector<double> torch_order_of_images(const Tensor& images);

/// max |got - want| / max |want|; infinite when the counts differ or a value is NaN.
double relative_distance(const std::vector<double>& got, const std::vector<double>& want);

double l2_norm(const std::vector<double>& values);
/// `count` of the values, equally far apart, from the first on.
std::vector<double> sample(const std::vector<double>& values, size_t count);

/// A record's tensors with the metadata read.
class Record {
 public:
  /// `file`: below tests/fixtures.
  explicit Record(std::string_view file);

  [[nodiscard]] bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  [[nodiscard]] std::vector<double> at(const std::string& name) const;
  /// Row `row` of a tensor of rank 2.
  [[nodiscard]] std::vector<double> row(const std::string& name, size_t row) const;
  /// Error of PyTorch's own float32 run.
  [[nodiscard]] double f32_error(const std::string& name) const { return f32_error_.at(name); }
  /// The lines of a metadata entry ("params", "buffers").
  [[nodiscard]] std::vector<std::string> lines(const std::string& key) const;

 private:
  SafetensorsFile file_;
  std::map<std::string, double> f32_error_;
};

}  // namespace lv::test
