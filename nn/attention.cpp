#include "nn/attention.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/shape.h"
#include "ops/softmax.h"

namespace lv::nn {

MultiHeadAttention::MultiHeadAttention(int64_t channels, int heads, bool has_qkv_bias)
    : qkv(channels, 3 * channels, has_qkv_bias), proj(channels, channels), heads_(heads) {
  LV_CHECK_SHAPE(heads > 0 && channels % heads == 0, "MultiHeadAttention: {} heads do not divide {} channels", heads,
                 channels);
  add("qkv", qkv);
  add("proj", proj);
}

Tensor MultiHeadAttention::part(const Tensor& projected, int part) const {
  const int64_t channels = projected.size(-1) / 3;
  const Tensor chosen = ops::slice(projected, -1, part * channels, (part + 1) * channels);
  return ops::view(chosen, {projected.size(0), projected.size(1), heads_, channels / heads_});
}

Tensor MultiHeadAttention::forward(const Tensor& x) const {
  const autograd::CallScope scope("MultiHeadAttention");
  const Tensor projected = qkv.forward(x);
  const Tensor mixed = ops::scaled_dot_product_attention(part(projected, 0), part(projected, 1), part(projected, 2));
  return proj.forward(ops::view(mixed, x.shape()));
}

Tensor MultiHeadAttention::attention(const Tensor& x) const {
  const Tensor projected = qkv.forward(x);
  const Tensor q = ops::transpose(part(projected, 0), 1, 2);
  const Tensor k = ops::transpose(part(projected, 1), 1, 2);
  return ops::softmax(ops::matmul(q * (1.0 / std::sqrt(double(q.size(-1)))), ops::transpose(k, -2, -1)));
}

}  // namespace lv::nn
