#include <cmath>

#include "core/tensor.h"

namespace lv {

namespace {

constexpr int64_t kEdgeItems = 3;
constexpr int64_t kMaxPrinted = 1000;

class Printer {
 public:
  explicit Printer(const Tensor& values) : values_(values), summarise_(values.numel() > kMaxPrinted) {}

  std::string print() {
    print_axis(values_, 0);
    return std::move(text_);
  }

 private:
  void print_axis(const Tensor& part, int depth) {
    if (part.rank() == 0) {
      text_ += format_value(*part.data<double>());
      return;
    }
    const int64_t count = part.size(0);
    text_ += '[';
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) {
        text_ += part.rank() == 1 ? ", " : ",\n" + std::string(size_t(depth + 1), ' ');
      }
      if (summarise_ && count > 2 * kEdgeItems && i == kEdgeItems) {
        text_ += "...";
        i = count - kEdgeItems - 1;
        continue;
      }
      print_axis(part.select(0, i), depth + 1);
    }
    text_ += ']';
  }

  static std::string format_value(double value) {
    return value == std::trunc(value) && std::abs(value) < 1e6 ? fmt::format("{}", int64_t(value))
                                                               : fmt::format("{:.4g}", value);
  }

  Tensor values_;
  bool summarise_;
  std::string text_;
};

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) {
    return "tensor(undefined)";
  }
  const Tensor host = tensor.to(Device::cpu()).to(DType::f64);
  const std::string where = tensor.device().is_cpu() ? "" : fmt::format(", {}", tensor.device());
  return fmt::format("tensor({}, {} {}{})", Printer(host).print(), tensor.dtype(), tensor.shape(), where);
}

}  // namespace lv
