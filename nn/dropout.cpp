#include "nn/dropout.h"

#include "ops/dropout.h"

namespace lv::nn {

namespace {

double checked(double rate) {
  LV_CHECK(rate >= 0 && rate < 1, "Dropout: the rate must be in [0, 1), got {}", rate);
  return rate;
}

}  // namespace

Dropout::Dropout(double rate) : rate_(checked(rate)) {}

Tensor Dropout::forward(const Tensor& x) const {
  return run_layer("Dropout", x, [&] { return is_training() ? ops::dropout(x, rate_) : x; });
}

DropPath::DropPath(double rate) : rate_(checked(rate)) {}

Tensor DropPath::forward(const Tensor& x) const {
  return run_layer("DropPath", x, [&] { return is_training() ? ops::drop_path(x, rate_) : x; });
}

}  // namespace lv::nn
