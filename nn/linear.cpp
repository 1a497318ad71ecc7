#include "nn/linear.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "nn/init.h"
#include "ops/matmul.h"

namespace lv::nn {

Linear::Linear(int64_t in, int64_t out, bool has_bias) : weight(Tensor::empty({out, in})) {
  init::kaiming_uniform(weight, std::sqrt(5.0));
  add_parameter("weight", weight);
  if (has_bias) {
    bias = Tensor::empty({out});
    const double limit = 1.0 / std::sqrt(double(in));
    init::uniform(bias, -limit, limit);
    add_parameter("bias", bias);
  }
}

Tensor Linear::forward(const Tensor& x) const {
  const autograd::CallScope scope("Linear");
  return ops::linear(x, weight, bias);
}

}  // namespace lv::nn
