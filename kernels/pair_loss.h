#pragma once

#include "kernels/dispatch.h"
#include "kernels/pair_loss.cell.h"

// Losses of single elements, alone or added up, and their gradients: one pass each.

namespace lv::kernels {

#define LV_ENUMERATOR(name, Functor, text) name,
#define LV_NAME(name, Functor, text) text,
enum class PairLoss : uint8_t { LV_PAIR_LOSSES(LV_ENUMERATOR) };
inline constexpr std::string_view kPairLossNames[] = {LV_PAIR_LOSSES(LV_NAME)};
#undef LV_ENUMERATOR
#undef LV_NAME

/// Calls `fn.template operator()<Functor>()` for the functor of `loss`.
template <class Fn>
void visit_loss(PairLoss loss, Fn&& fn) {
  switch (loss) {
#define LV_CASE(name, Functor, text)         \
  case PairLoss::name:                       \
    fn.template operator()<cell::Functor>(); \
    break;
    LV_PAIR_LOSSES(LV_CASE)
#undef LV_CASE
  }
}

/// Elements whose losses are added up by one task; the sums are added in their order.
inline constexpr int64_t kLossChunk = 16384;

/// x, t: dense, of one shape and floating dtype. Either y, like x, takes the losses of the elements, or total, one
/// number of x's dtype, `scale` times their sum; then partials is a workspace of one f64 for each chunk.
struct PairLossArgs {
  PairLoss loss = PairLoss::squared;
  double parameter = 0;
  double scale = 1;
  ConstTensorRef x = {};
  ConstTensorRef t = {};
  TensorRef y = {};
  TensorRef total = {};
  TensorRef partials = {};
};
LV_KERNEL(pair_loss, PairLossArgs)

/// dx, dt = scale * grad times the derivatives by x and t; either may be absent. grad: like x, or one number. All
/// dense, in x's dtype.
struct PairLossGradArgs {
  PairLoss loss = PairLoss::squared;
  double parameter = 0;
  double scale = 1;
  ConstTensorRef x = {};
  ConstTensorRef t = {};
  ConstTensorRef grad = {};
  bool is_common_grad = false;
  TensorRef dx = {};
  TensorRef dt = {};
};
LV_KERNEL(pair_loss_grad, PairLossGradArgs)

}  // namespace lv::kernels
