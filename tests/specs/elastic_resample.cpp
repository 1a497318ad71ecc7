#include "ops/elastic_resample.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(ElasticDownsample) {
  spec.add("empty_N0", {floats({0, 3, 4, 2})});
  spec.add("one_cell", {floats({1, 1, 1, 3})});
  spec.add("N2_7x5_C3", {floats({2, 7, 5, 3})});
  spec.add("N1_8x5_C67", {floats({1, 8, 5, 67})});
  spec.add("N3_6x4_C16", {floats({3, 6, 4, 16})});
  spec.benchmark("N8_56x56_C256", {floats({8, 56, 56, 256})});
  spec.benchmark("N8_28x28_C512", {floats({8, 28, 28, 512})});
  spec.benchmark("N8_65x65_C512", {floats({8, 65, 65, 512})});
  spec.error("x must be [N, H, W, C], got [3, 4]", {floats({3, 4})});
  spec.error("x [1, 0, 3, 2] has no cells", {floats({1, 0, 3, 2})});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::elementwise());
}

LV_OP_SPEC(ElasticUpsampleAdd) {
  const ElasticUpsampleAdd::Options relu{.relu = true};
  spec.add("empty_N0", {floats({0, 2, 2, 3}), floats({0, 3, 4, 3})});
  spec.add("one_cell", {floats({1, 1, 1, 3}), floats({1, 1, 1, 3})});
  spec.add("N2_7x5_C3", {floats({2, 4, 3, 3}), floats({2, 7, 5, 3})});
  spec.add("N1_8x5_C67", {floats({1, 4, 3, 67}), floats({1, 8, 5, 67})});
  spec.add("N1_2x1_C16_nearest", {floats({1, 1, 1, 16}), floats({1, 2, 1, 16})}, {.nearest = true});
  spec.add("N2_7x6_C35_nearest", {floats({2, 4, 3, 35}), floats({2, 7, 6, 35})}, {.nearest = true});
  // The sums stay on one side of 0, away from the kink.
  spec.add("N2_5x6_C19_relu", {positive({2, 3, 3, 19}), positive({2, 5, 6, 19})}, relu);
  spec.add("N1_5x6_C5_all_below_zero", {floats({1, 3, 3, 5}, -2, -1), floats({1, 5, 6, 5}, -2, -1)}, relu);
  spec.add("N1_9x6_C21_affine", {floats({1, 5, 3, 21}), floats({1, 9, 6, 21}), positive({21}), floats({21})});
  spec.add("N1_5x3_C11_affine_relu", {positive({1, 3, 2, 11}), positive({1, 5, 3, 11}), positive({11}), positive({11})},
           relu);
  spec.benchmark("N8_56x56_C256", {floats({8, 28, 28, 256}), floats({8, 56, 56, 256})});
  spec.benchmark("N8_28x28_C512", {floats({8, 14, 14, 512}), floats({8, 28, 28, 512})});
  spec.benchmark("N8_65x65_C512", {floats({8, 33, 33, 512}), floats({8, 65, 65, 512})});
  spec.benchmark("nearest_N8_56x56_C256", {floats({8, 28, 28, 256}), floats({8, 56, 56, 256})}, {.nearest = true});
  // Above 0, where rounding does not decide about the ReLU.
  spec.benchmark("affine_relu_N8_56x56_C256",
                 {floats({8, 28, 28, 256}), floats({8, 56, 56, 256}), floats({256}, 0.2, 0.5), floats({256}, 1, 2)},
                 relu);
  spec.error("full must be [N, H, W, C], got [3, 4]", {floats({3, 4}), floats({3, 4})});
  spec.error("small must be [1, 3, 2, 2], half of full, got [1, 2, 2, 2] (full [1, 5, 4, 2])",
             {floats({1, 2, 2, 2}), floats({1, 5, 4, 2})});
  spec.error("scale and shift must be given together", {floats({1, 1, 1, 2}), floats({1, 2, 2, 2}), floats({2})});
  spec.error("scale must be [2], got [3]", {floats({1, 1, 1, 2}), floats({1, 2, 2, 2}), floats({3}), floats({2})});
  spec.differentiable({0, 1, 2, 3}).twice_differentiable().tolerance(Tolerance::accumulate(64));
}
