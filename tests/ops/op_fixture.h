#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/function.h"
#include "core/safetensors.h"

namespace lv::test {

/// Cases of ops computed in float64 by PyTorch: `<case>/in/<name>`, `<case>/in/cotangent`, `<case>/output`,
/// `<case>/grad/<name>`, with PyTorch's own float32 errors in the metadata. Images are N, C, H, W there.
class OpFixture {
 public:
  using Named = std::map<std::string, Tensor>;
  using Function = std::function<Tensor(const Named& inputs)>;

  /// `file`: below tests/fixtures.
  explicit OpFixture(std::string_view file);

  /// The names of the cases, sorted.
  [[nodiscard]] std::vector<std::string> cases() const;

  /// Runs `function` on the case's inputs in float32 and in float64 and compares the output and every stored gradient:
  /// float64 to 1e-10, float32 to four times PyTorch's own error, not below 2e-6 (absolute 2e-5 for gradients that
  /// vanish). `images` names the inputs that are converted to N, H, W, C; with "output" among them, the output and
  /// cotangent too.
  void check(const std::string& name, const std::vector<std::string>& images, const Function& function) const;

  /// A stored tensor, for comparisons of another kind.
  [[nodiscard]] const Tensor& at(const std::string& name) const { return file_.at(name); }

 private:
  void check_in(DType dtype, const std::string& name, const std::vector<std::string>& images,
                const Function& function) const;
  void compare(DType dtype, const std::string& key, const Tensor& actual) const;

  SafetensorsFile file_;
  std::map<std::string, double> f32_error_;
};

/// [N, C, H, W] to [N, H, W, C] and back.
Tensor to_channels_last(const Tensor& x);
Tensor to_channels_first(const Tensor& x);

}  // namespace lv::test
