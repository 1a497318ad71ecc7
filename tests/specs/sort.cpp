#include "ops/sort_definitions.h"

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

/// Values 0.02 apart, which no step of the gradient check brings out of order.
Arg apart(const Shape& shape) {
  const double end = 0.01 * double(numel(shape));
  return {.shape = shape, .fill = Fill::distinct, .low = -end, .high = end};
}

}  // namespace

LV_OP_SPEC(Sort) {
  spec.add("empty_rows", {apart({3, 0})});
  spec.add("no_rows", {apart({0, 5})});
  spec.add("one_element", {apart({1})});
  spec.add("rows_of_7", {apart({13, 7})});
  spec.add("rows_of_333", {apart({2, 333})});
  spec.add("descending", {apart({3, 5, 37})}, {true});
  spec.add("longer_than_a_tile", {apart({1, 4999})}, {true});
  spec.benchmark("N512_4096", {apart({512, 4096})});
  spec.benchmark("N1_1000000", {apart({1, 1'000'000})});
  spec.error("a scalar has no axis", {floats({})});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}

LV_OP_SPEC(TopK) {
  spec.add("empty", {apart({0, 5})}, {2});
  spec.add("none", {apart({3, 5})}, {0});
  spec.add("all", {apart({13, 7})}, {7});
  spec.add("largest_5_of_333", {apart({2, 333})}, {5});
  spec.add("smallest_200_of_301", {apart({3, 301})}, {200, false});
  spec.add("of_a_long_row", {apart({1, 4999})}, {3, true});
  spec.benchmark("N512_1000_k5", {apart({512, 1000})}, {5});
  spec.benchmark("N256_65536_k20", {apart({256, 65536})}, {20});
  spec.error("k must be in [0, 4], got 5 (x [3, 4])", {floats({3, 4})}, {5});
  spec.error("k must be in [0, 4], got -1", {floats({3, 4})}, {-1});
  spec.error("a scalar has no axis", {floats({})}, {1});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::exact());
}
