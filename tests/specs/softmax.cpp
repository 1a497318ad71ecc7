#include "ops/softmax_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

template <class Op>
void define(SpecBuilder<Op>& spec) {
  spec.add("empty_rows", {floats({0, 3})});
  spec.add("empty_slices", {floats({2, 0, 3})}, {1});
  spec.add("1", {floats({1})});
  spec.add("3x5", {floats({3, 5}, -4, 4)});
  spec.add("7x19x3_first", {floats({7, 19, 3})}, {0});
  spec.add("2x5x37_middle", {floats({2, 5, 37}, -4, 4)}, {-2});
  spec.add("6x67", {floats({6, 67})}, {1});
  spec.add("3x3x77", {floats({3, 3, 77})}, {2});
  spec.add("3x1031", {floats({3, 1031})});
  for (const int64_t n : {197, 785}) {
    spec.benchmark(fmt::format("N8_H6_{0}x{0}", n), {floats({8, 6, n, n})});
  }
  spec.benchmark("N256_K1000", {floats({256, 1000})});
  spec.benchmark("N64_K65536", {floats({64, 65536})});
  spec.benchmark("N8_196x384_axis1", {floats({8, 196, 384})}, {1});
  spec.error("axis must be in [-2, 2), got 2 (x [3, 4])", {floats({3, 4})}, {2});
  spec.error("floating dtype", {integers({3}, 0, 2)});
  spec.error("axis must be in", {floats({})}, {-1});
  // Rounding enters through the largest exponent and the sum.
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(9));
}

}  // namespace

LV_OP_SPEC(Softmax) { define(spec); }
LV_OP_SPEC(LogSoftmax) { define(spec); }
