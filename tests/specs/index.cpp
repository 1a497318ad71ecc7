#include "ops/index_definitions.h"
#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

LV_OP_SPEC(Gather) {
  spec.add("empty_index", {floats({3, 5}), integers({3, 0}, 0, 1)}, {1});
  spec.add("empty_outer", {floats({0, 5}), integers({0, 3}, 0, 5)}, {1});
  spec.add("one_axis", {floats({7}), integers({11}, 0, 7)}, {0});
  spec.add("last", {floats({13, 17}), integers({13, 5}, 0, 17)}, {-1});
  spec.add("first", {floats({5, 37}), integers({19, 37}, 0, 5)}, {0});
  spec.add("middle", {floats({3, 4, 7}), integers({3, 29, 7}, 0, 4)}, {1});
  spec.benchmark("N4096_C384_to_96", {floats({4096, 384}), integers({4096, 96}, 0, 384)}, {1});
  spec.error("indices must be i64, got f32", {floats({3, 4}), floats({3, 4})}, {0});
  spec.error("index must be [3, 4], got [2, 4] (x [3, 5], axis 1)", {floats({3, 5}), integers({2, 4}, 0, 5)}, {1});
  spec.error("must have as many axes", {floats({3, 5}), integers({3}, 0, 3)}, {0});
  spec.error("index 5 is outside [0, 5) (element 0 of index [3, 1])", {floats({3, 5}), integers({3, 1}, 5, 6)}, {1});
  spec.error("index -1 is outside", {floats({5}), integers({1}, -1, 0)}, {0});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(8));
}

LV_OP_SPEC(ScatterAdd) {
  spec.add("empty_src", {floats({3, 5}), integers({3, 0}, 0, 1), floats({3, 0})}, {1});
  spec.add("empty_x", {floats({0, 5}), integers({0, 3}, 0, 5), floats({0, 3})}, {1});
  spec.add("one_axis", {floats({7}), integers({61}, 0, 7), floats({61})}, {0});
  spec.add("last", {floats({13, 17}), integers({13, 5}, 0, 17), floats({13, 5})}, {-1});
  spec.add("first", {floats({5, 37}), integers({19, 37}, 0, 5), floats({19, 37})}, {0});
  spec.add("middle_no_x", {absent(), integers({3, 29, 7}, 0, 4), floats({3, 29, 7})}, {1, 4});
  spec.add("wide", {floats({3, 3, 1031}), integers({3, 4, 1031}, 0, 3), floats({3, 4, 1031})}, {1});
  spec.benchmark("N4096_C384_from_96", {floats({4096, 384}), integers({4096, 96}, 0, 384), floats({4096, 96})}, {1});
  spec.error("indices must be i64", {floats({3, 4}), floats({3, 4}), floats({3, 4})}, {0});
  spec.error("index [3, 4] and src [3, 5] must have one shape",
             {floats({3, 4}), integers({3, 4}, 0, 3), floats({3, 5})}, {0});
  spec.error("src must be [3, 2], got [2, 2] (x [3, 4], axis 1)",
             {floats({3, 4}), integers({2, 2}, 0, 3), floats({2, 2})}, {1});
  spec.error("src must be floating, got i64", {floats({3}), integers({3}, 0, 3), integers({3}, 0, 3)}, {0});
  spec.error("outside [0, 3)", {floats({3}), integers({2}, 3, 9), floats({2})}, {0});
  spec.differentiable({0, 2}).twice_differentiable().tolerance(Tolerance::accumulate(16));
}

LV_OP_SPEC(IndexSelect) {
  spec.add("empty_index", {floats({3, 5}), integers({0}, 0, 1)}, {.axis = 1});
  spec.add("empty_outer", {floats({0, 5}), integers({3}, 0, 5)}, {.axis = 1});
  spec.add("elements", {floats({7}), integers({611}, 0, 7)}, {.axis = 0});
  spec.add("rows", {floats({13, 17}), integers({41}, 0, 13)}, {.axis = 0});
  spec.add("columns", {floats({13, 17}), integers({5}, 0, 17)}, {.axis = -1});
  spec.add("middle_one_left_out", {floats({3, 4, 7}), integers({29}, 0, 4)}, {.axis = 1, .skip = 2});
  spec.add("long_rows", {floats({5, 2053}), integers({3}, 0, 5)}, {.axis = 0});
  spec.benchmark("tokens_N8_L196_C384_to_98", {floats({1568, 384}), integers({784}, 0, 1568)}, {.axis = 0});
  spec.error("index must be [n], got [3, 1]", {floats({3, 5}), integers({3, 1}, 0, 3)}, {.axis = 0});
  spec.error("indices must be i64", {floats({3, 5}), floats({3})}, {.axis = 0});
  spec.error("index 5 is outside [0, 5)", {floats({3, 5}), integers({3}, 5, 6)}, {.axis = 1});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(16));
}

LV_OP_SPEC(IndexAdd) {
  spec.add("empty_src", {floats({3, 5}), integers({0}, 0, 1), floats({0, 5})}, {.axis = 0});
  spec.add("elements", {floats({7}), integers({611}, 0, 7), floats({611})}, {.axis = 0});
  spec.add("rows", {floats({13, 17}), integers({41}, 0, 13), floats({41, 17})}, {.axis = 0});
  spec.add("columns_no_x", {absent(), integers({5}, 0, 17), floats({13, 5})}, {.axis = -1, .size = 17});
  spec.add("middle_one_left_out", {floats({3, 4, 7}), integers({29}, 0, 4), floats({3, 29, 7})},
           {.axis = 1, .skip = 2});
  spec.add("all_to_one_row", {floats({3, 2}), integers({97}, 1, 2), floats({97, 2})}, {.axis = 0});
  spec.benchmark("tokens_N8_L98_C384_to_196", {absent(), integers({784}, 0, 1568), floats({784, 384})},
                 {.axis = 0, .size = 1568});
  spec.error("index must be [n]", {floats({3, 5}), integers({3, 1}, 0, 3), floats({3, 5})}, {.axis = 0});
  spec.error("src must be [2, 5], got [3, 5] (x [4, 5], axis 0)", {floats({4, 5}), integers({2}, 0, 3), floats({3, 5})},
             {.axis = 0});
  spec.error("outside [0, 4)", {floats({4, 5}), integers({2}, 4, 9), floats({2, 5})}, {.axis = 0});
  spec.differentiable({0, 2}).twice_differentiable().tolerance(Tolerance::accumulate(100));
}

LV_OP_SPEC(Embedding) {
  spec.add("empty", {floats({3, 5}), integers({0, 4}, 0, 3)});
  spec.add("words", {floats({17, 19}), integers({4, 9}, 0, 17)});
  spec.add("cube", {floats({5, 3}), integers({7, 3, 25}, 0, 5)});
  spec.add("one", {floats({5, 3}), integers({}, 0, 5)});
  spec.benchmark("N8_L512_C384_of_30000", {floats({30000, 384}), integers({8, 512}, 0, 30000)});
  spec.error("weight must be [rows, C], got [3]", {floats({3}), integers({2}, 0, 3)});
  spec.error("indices must be i64", {floats({3, 5}), floats({2})});
  spec.error("padding_index 3 is not a row of weight [3, 5]", {floats({3, 5}), integers({2}, 0, 3)},
             {.padding_index = 3});
  spec.error("outside [0, 3)", {floats({3, 5}), integers({2}, 3, 4)});
  spec.differentiable({0}).twice_differentiable().tolerance(Tolerance::accumulate(64));
}

LV_OP_SPEC(OneHot) {
  spec.add("empty", {integers({0, 3}, 0, 5)}, {5});
  spec.add("labels", {integers({83}, 0, 17)}, {17});
  spec.add("map", {integers({3, 15, 13}, 0, 3)}, {3, DType::u8});
  spec.add("integers", {integers({7}, 0, 9)}, {9, DType::i64});
  spec.error("wants at least 1 class, got 0", {integers({3}, 0, 1)}, {0});
  spec.error("indices must be i64", {floats({3})}, {4});
  spec.error("index 4 is outside [0, 4)", {integers({3}, 4, 5)}, {4});
  spec.dtypes({DType::f32}).tolerance(Tolerance::exact());
}
