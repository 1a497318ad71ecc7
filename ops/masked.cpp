// The functions of ops/index.h whose result's shape depends on values.

#include <numeric>

#include "kernels/nonzero.h"
#include "ops/basic.h"
#include "ops/index_definitions.h"
#include "ops/shape.h"

namespace lv::ops {

namespace {

using kernels::cref;
using kernels::ref;

/// For each chunk of elements the number of nonzero ones before it, on the host; at the end the number of all.
std::vector<int64_t> count_before_chunks(const Tensor& x) {
  const int64_t chunks = (x.numel() + kernels::kNonzeroChunk - 1) / kernels::kNonzeroChunk;
  const Tensor counts = Tensor::empty({chunks}, DType::i64, x.device());
  kernels::count_nonzero({.x = cref(x), .counts = ref(counts)}, current_stream(x.device()));
  std::vector<int64_t> sums = counts.to_vector<int64_t>();
  sums.push_back(0);
  std::exclusive_scan(sums.begin(), sums.end(), sums.begin(), int64_t{0});
  return sums;
}

}  // namespace

Tensor nonzero(const Tensor& any_x) {
  const Tensor x = autograd::contiguous(any_x.detach());
  std::vector<int64_t> starts = count_before_chunks(x);
  const int64_t total = starts.back();
  starts.pop_back();
  const Tensor positions = Tensor::empty({total, x.rank()}, DType::i64, x.device());
  kernels::nonzero_positions({.x = cref(x),
                              .starts = cref(Tensor::from(starts, {int64_t(starts.size())}).to(x.device())),
                              .positions = ref(positions)},
                             current_stream(x.device()));
  return positions;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  LV_CHECK_DTYPE(mask.dtype() == DType::boolean, "masked_select: mask must be bool, got {}", mask.dtype());
  LV_CHECK_DEVICE(mask.device() == x.device(), "masked_select: x is on {}, mask on {}", x.device(), mask.device());
  const Shape shape = broadcast_shapes(x.shape(), mask.shape(), "masked_select");
  const Tensor chosen = nonzero(reshape(expand(mask, shape), {-1})).view({-1});
  const IndexSelect::Options options{.axis = 0, .is_ascending = true};
  return autograd::apply<IndexSelect>({reshape(expand(x, shape), {-1}), chosen}, options)[0];
}

}  // namespace lv::ops
