#include "autograd/autocast.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "autograd/basic_ops.h"
#include "autograd/grad_mode.h"
#include "autograd/node.h"

namespace lv::autograd {

namespace {

// A weight used by several steps of one pass is cast once. The key's version makes a cast of an updated weight stale,
// and the grad mode keeps an unrecorded cast from cutting the graph of a recorded one.
using CacheKey = std::tuple<const TensorImpl*, uint32_t, DType, bool>;
struct CacheEntry {
  Tensor source;  // keeps the key's address from being reused
  Tensor cast;
};

struct Cache {
  std::map<CacheKey, CacheEntry> entries;
  int depth = 0;
};

Cache& cache() {
  static thread_local Cache instance;
  return instance;
}

bool is_castable(const Tensor& tensor) {
  return tensor.defined() && is_floating(tensor.dtype()) && tensor.dtype() != DType::f64;
}

Tensor cast_cached(const Tensor& tensor, DType dtype) {
  if (!is_castable(tensor) || tensor.dtype() == dtype) {
    return tensor;
  }
  const bool is_leaf = tensor.requires_grad() && !meta(tensor)->history.node;
  if (!is_leaf) {
    return cast(tensor, dtype);
  }
  auto [it, inserted] = cache().entries.try_emplace({tensor.impl(), tensor.version(), dtype, grad_enabled()});
  if (inserted) {
    it->second = {tensor, cast(tensor, dtype)};
  }
  return it->second.cast;
}

DType widest(std::span<const Tensor> inputs, DType low) {
  const bool has_f32 =
      std::any_of(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.defined() && x.dtype() == DType::f32; });
  return has_f32 ? DType::f32 : low;
}

}  // namespace

std::optional<DType>& autocast_dtype() {
  static thread_local std::optional<DType> dtype;
  return dtype;
}

AutocastGuard::AutocastGuard(std::optional<DType> dtype) : previous_(autocast_dtype()) {
  LV_CHECK_DTYPE(!dtype || is_reduced(*dtype), "autocast: wants bf16 or f16, got {}", *dtype);
  autocast_dtype() = dtype;
  ++cache().depth;
}

AutocastGuard::~AutocastGuard() {
  autocast_dtype() = previous_;
  if (--cache().depth == 0) {
    cache().entries.clear();
  }
}

TensorList autocast(std::span<const Tensor> inputs, CastPolicy policy, DType low) {
  const DType target = policy == CastPolicy::low ? low : policy == CastPolicy::full ? DType::f32 : widest(inputs, low);
  TensorList result;
  result.reserve(int(inputs.size()));
  for (const Tensor& tensor : inputs) {
    result.push_back(policy == CastPolicy::none ? tensor : cast_cached(tensor, target));
  }
  return result;
}

}  // namespace lv::autograd
