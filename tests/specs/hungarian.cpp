#include "ops/hungarian.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(HungarianMatch) {
  const HungarianMatch::Options most{.maximize = true};
  spec.add("empty_B0", {floats({0, 3, 4})});
  spec.add("no_rows", {floats({2, 0, 4})});
  spec.add("no_columns", {floats({2, 3, 0})});
  spec.add("B3_5x7", {floats({3, 5, 7})});
  spec.add("B2_17x17_most", {floats({2, 17, 17})}, most);
  spec.add("B2_13x41_masked", {floats({2, 13, 41}), mask({2, 13})});
  spec.add("B2_11x6_more_rows_than_columns_masked_most", {floats({2, 11, 6}), mask({2, 11})}, most);
  spec.add("B1_37x45", {floats({1, 37, 45})});
  spec.benchmark("B64_5x128", {floats({64, 5, 128})});
  spec.benchmark("B64_20x128", {floats({64, 20, 128})});
  spec.benchmark("B64_60x128", {floats({64, 60, 128})});
  spec.benchmark("B64_128x128", {floats({64, 128, 128})});
  spec.benchmark("B1_1024x1024", {floats({1, 1024, 1024})});
  spec.error("scores must be [B, K, N], got [3, 4]", {floats({3, 4})});
  spec.error("rows must be [B, K] = [1, 3], got [3]", {floats({1, 3, 4}), mask({3})});
  spec.error("rows must be bool, got f32", {floats({1, 3, 4}), {.shape = {1, 3}, .dtype = DType::f32}});
  spec.dtypes({DType::f32, DType::f64}).tolerance(Tolerance::exact());
}
