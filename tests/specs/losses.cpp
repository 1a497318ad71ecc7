#include "ops/losses_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

// Second derivatives of losses are taken through compositions of smaller ops, not through these fused ones.
LV_OP_SPEC(CrossEntropy) {
  const Arg weight5 = positive({5});
  spec.add("empty_sum", {floats({0, 5}), integers({0}, 0, 5)}, {.reduction = Reduction::sum});
  spec.add("empty_none", {floats({0, 5}), integers({0}, 0, 5)}, {.reduction = Reduction::none});
  spec.add("N7_K5", {floats({7, 5}, -3, 3), integers({7}, 0, 5)});
  spec.add("K5_single_row", {floats({5}), integers({}, 0, 5)});
  spec.add("N3_2_K5_none", {floats({3, 2, 5}), integers({3, 2}, 0, 5)}, {.reduction = Reduction::none});
  spec.add("N9_K5_ignore_smooth", {floats({9, 5}), integers({9}, 0, 5)}, {.label_smoothing = 0.1, .ignore_index = 2});
  spec.add("N9_K5_weight_smooth_ignore", {floats({9, 5}), integers({9}, 0, 5), weight5},
           {.label_smoothing = 0.2, .ignore_index = 1});
  spec.add("N9_K5_weight_sum", {floats({9, 5}), integers({9}, 0, 5), weight5}, {.reduction = Reduction::sum});
  spec.add("N7_K5_soft", {floats({7, 5}), floats({7, 5}, 0, 1)});
  spec.add("N7_K5_soft_weight_smooth_none", {floats({7, 5}), floats({7, 5}, 0, 1), weight5},
           {.label_smoothing = 0.1, .reduction = Reduction::none});
  spec.add("N5_K1031_smooth", {floats({5, 1031}), integers({5}, 0, 1031)}, {.label_smoothing = 0.1});
  spec.add("N3_K259_soft_sum", {floats({3, 259}), floats({3, 259}, 0, 0.02)}, {.reduction = Reduction::sum});
  // Above a chunk of 32768 / K rows.
  spec.add("N6561_K10", {floats({6561, 10}), integers({6561}, 0, 10)}, {.ignore_index = 3});
  spec.benchmark("N256_K1000", {floats({256, 1000}), integers({256}, 0, 1000)});
  spec.benchmark("N256_K1000_smooth", {floats({256, 1000}), integers({256}, 0, 1000)}, {.label_smoothing = 0.1});
  spec.benchmark("N8_129x129_K21", {floats({8, 129, 129, 21}), integers({8, 129, 129}, 0, 21)}, {.ignore_index = 0});
  spec.benchmark("N64_K65536_soft", {floats({64, 65536}), floats({64, 65536}, 0, 1e-4)});
  spec.error("labels must be in [0, 5) or ignore_index -100, row 0 has 7 (labels [3])",
             {floats({3, 5}), integers({3}, 7, 8)});
  spec.error("labels must be [3], got [4] (logits [3, 5])", {floats({3, 5}), integers({4}, 0, 5)});
  spec.error("distributions must be [3, 5]", {floats({3, 5}), floats({3, 4})});
  spec.error("K > 0", {floats({3, 0}), integers({3}, 0, 5)});
  spec.error("weight must be [5]", {floats({3, 5}), integers({3}, 0, 5), floats({4})});
  spec.error("label_smoothing", {floats({3, 5}), integers({3}, 0, 5)}, {.label_smoothing = 1.5});
  spec.differentiable({0, 1}).tolerance(Tolerance::accumulate(50));
}
