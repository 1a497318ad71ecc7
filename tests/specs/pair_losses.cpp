#include "ops/pair_loss_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

/// Cases of a loss whose arguments are drawn by `input` and `target` for a shape.
template <class Spec, class Input, class Target>
void add_cases(Spec& spec, Input input, Target target) {
  const auto add = [&](const char* name, const Shape& shape, Reduction reduction) {
    spec.add(name, {input(shape), target(shape)}, {.reduction = reduction, .parameter = 0.5});
  };
  add("empty_sum", {0, 3}, Reduction::sum);
  add("empty_none", {0, 3}, Reduction::none);
  add("7x5_mean", {7, 5}, Reduction::mean);
  add("7x5_none", {7, 5}, Reduction::none);
  add("single_sum", {}, Reduction::sum);
  add("3x11x23_mean", {3, 11, 23}, Reduction::mean);
  add("3x11x23_none", {3, 11, 23}, Reduction::none);
  add("above_a_chunk_sum", {17, 1009}, Reduction::sum);  // of 16384 elements
  spec.benchmark("N8_56x56_C64", {input({8, 56, 56, 64}), target({8, 56, 56, 64})});
  spec.error("one shape, got [3, 4] and [3, 5]", {floats({3, 4}), floats({3, 5})});
  spec.error("must be floating, got i64", {integers({3}, 0, 5), integers({3}, 0, 5)});
  spec.error("beta must be positive, got 0", {floats({3}), floats({3})}, {.parameter = 0});
  spec.differentiable({0, 1}).twice_differentiable().tolerance(Tolerance::accumulate(1000));
}

Arg any(const Shape& shape) { return floats(shape, -2, 2); }
Arg probability(const Shape& shape) { return floats(shape, 0.05, 0.95); }
/// Apart from each other by 0.8 at least, so away from the kinks at 0 and at 0.5.
Arg above(const Shape& shape) { return floats(shape, 0.4, 2); }
Arg below(const Shape& shape) { return floats(shape, -2, -0.4); }
/// Distances around the kinks of smooth_l1_loss, but not on them.
Arg around(const Shape& shape) { return avoiding(shape, {-0.5, 0, 0.5}, -2, 2); }
Arg zero(const Shape& shape) { return floats(shape, 0, 0); }

}  // namespace

LV_OP_SPEC(MseLoss) { add_cases(spec, any, any); }

LV_OP_SPEC(L1Loss) { add_cases(spec, above, below); }

LV_OP_SPEC(SmoothL1Loss) {
  add_cases(spec, above, below);
  spec.add("near_and_far", {around({7, 31}), zero({7, 31})}, {.parameter = 0.5});
}

LV_OP_SPEC(BceWithLogits) {
  add_cases(spec, any, probability);
  spec.add("large_logits", {floats({9, 7}, -80, 80), probability({9, 7})});
}

LV_OP_SPEC(KlDiv) { add_cases(spec, any, probability); }

LV_OP_SPEC(KlDivLog) { add_cases(spec, any, any); }
