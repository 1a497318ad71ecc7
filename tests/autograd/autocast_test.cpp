#include "autograd/autocast.h"

#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/engine.h"
#include "autograd/registry.h"
#include "ops/matmul.h"

using namespace lv;
using namespace lv::autograd;

namespace {

Tensor matrix(double value) { return Tensor::full({4, 4}, value); }

}  // namespace

TEST_CASE("autocast computes matrix products in 16 bits and element-wise ops in their widest input's type") {
  const Tensor a = matrix(1);
  const AutocastGuard autocast(DType::bf16);
  const Tensor product = ops::matmul(a, a);
  CHECK(product.dtype() == DType::bf16);
  CHECK(add(product, product).dtype() == DType::bf16);
  CHECK(add(product, a).dtype() == DType::f32);
  CHECK(ops::matmul(a.to(DType::f64), a.to(DType::f64)).dtype() == DType::f64);
}

TEST_CASE("gradients come back in the parameters' own dtype") {
  const Tensor weight = matrix(2).set_requires_grad();
  Tensor y;
  {
    const AutocastGuard autocast(DType::bf16);
    y = ops::matmul(matrix(1), weight);
  }
  y.backward(Tensor::full({4, 4}, 1, DType::bf16));
  CHECK(weight.grad().dtype() == DType::f32);
  CHECK(weight.grad().to_vector<float>() == std::vector<float>(16, 4.0F));
}

TEST_CASE("a parameter is cast once a pass, and again after it was changed") {
  const Tensor weight = matrix(2).set_requires_grad();
  const OpStatistics& casts = op_statistics("cast");
  const AutocastGuard autocast(DType::bf16);
  const Tensor x = matrix(1).to(DType::bf16);
  const int64_t before = casts.forward_calls;
  ops::matmul(x, weight);
  ops::matmul(x, weight);
  CHECK(casts.forward_calls - before == 1);
  weight.fill(3);
  CHECK(ops::matmul(x, weight).to(DType::f32).to_vector<float>()[0] == 12.0F);
}
