#include "ops/axial_attention.h"

#include <numeric>

#include "tests/specs/spec.h"

using namespace lv;
using namespace lv::ops;
using namespace lv::specs;

namespace {

/// An image of so many channels a head, and a table with room for `distance`.
struct Image {
  int64_t n, h, w, heads, channels, distance;
};

std::vector<Arg> without_norm(const Image& image) {
  return {floats({image.n, image.h, image.w, image.heads * image.channels}),
          floats({image.channels, 2 * image.distance + 1})};
}
std::vector<Arg> with_norm(const Image& image, int64_t terms = 3) {
  std::vector<Arg> args = without_norm(image);
  args.push_back(floats({terms * image.heads}, 0.5, 1.5));
  args.push_back(floats({terms * image.heads}));
  return args;
}
std::vector<Arg> with_statistics(const Image& image) {
  std::vector<Arg> args = with_norm(image);
  args.push_back(floats({3 * image.heads}));
  args.push_back(positive({3 * image.heads}));
  return args;
}

}  // namespace

LV_OP_SPEC(AxialAttention) {
  // Products of logits and outputs; the forward pass alone.
  spec.cost([](Inputs in, Inputs, const AxialAttention::Options& options) {
    const bool is_height = options.terms.axis == ImageAxis::height;
    const double length = double(in[0].size(is_height ? 1 : 2));
    const double pairs = double(in[0].size(0) * in[0].size(is_height ? 2 : 1) * options.terms.heads);
    const double channels = double(in[1].size(0));
    const double d = options.terms.dim.has_value() ? double(*options.terms.dim) : channels / 4;
    return Cost{.bytes = 2.0 * double(in[0].size_bytes()),
                .flops = 2 * pairs * length * length * (3 * d + 2 * (channels - 2 * d))};
  });
  constexpr auto kWidth = ImageAxis::width;
  spec.add("empty_N0", with_norm({0, 3, 2, 2, 4, 2}), {{.heads = 2}});
  spec.add("one", without_norm({1, 1, 1, 1, 4, 0}), {{.heads = 1}});
  spec.add("d1_e2_L5", with_norm({2, 5, 3, 2, 4, 4}), {{.heads = 2}});
  spec.add("d2_e4_L7_width", with_norm({1, 3, 7, 4, 8, 6}), {{.heads = 4, .axis = kWidth}});
  spec.add("d4_e8_L7_G8", with_norm({1, 7, 5, 8, 16, 6}), {{.heads = 8}});
  spec.add("d6_e12_L9_G3_width_long_table", with_norm({1, 2, 9, 3, 24, 11}), {{.heads = 3, .axis = kWidth}});
  spec.add("d5_e3_L6_statistics", with_statistics({1, 6, 4, 2, 13, 5}), {{.heads = 2, .dim = 5}});
  spec.add("d3_e9_L41_scale", without_norm({1, 41, 2, 2, 15, 40}), {{.heads = 2, .dim = 3}, 0.5});
  spec.add("d4_e8_L70_G2", with_norm({1, 70, 2, 2, 16, 69}), {{.heads = 2}});
  spec.add("d1_e1_L1_G3", without_norm({2, 1, 4, 3, 3, 0}), {{.heads = 3, .dim = 1}});
  spec.add("span5_L11_G4", with_norm({2, 11, 3, 4, 8, 2}), {{.heads = 4, .span = 5}});
  spec.add("span1_L4_G2", without_norm({1, 4, 3, 2, 8, 1}), {{.heads = 2, .span = 1}});
  spec.add("span9_L70_scale_width", without_norm({1, 1, 70, 3, 8, 4}), {{.heads = 3, .axis = kWidth, .span = 9}, 0.7});
  spec.add("no_content", with_norm({1, 5, 4, 2, 8, 4}, 2), {{.heads = 2, .content = false}});
  spec.add("no_query_position", with_norm({1, 5, 4, 2, 8, 4}, 2), {{.heads = 2, .query_position = false}});
  spec.add("no_key_position", with_norm({1, 5, 4, 2, 8, 4}, 2), {{.heads = 2, .key_position = false}});
  spec.add("no_value_content", with_norm({1, 5, 4, 2, 8, 4}), {{.heads = 2, .value_content = false}});
  spec.add("no_value_position", with_norm({1, 5, 4, 2, 8, 4}), {{.heads = 2, .value_position = false}});
  spec.add("content_only", without_norm({1, 5, 4, 2, 8, 4}),
           {{.heads = 2, .query_position = false, .key_position = false, .value_position = false}});
  spec.add("d32_e64_L7_G2", with_norm({1, 7, 2, 2, 128, 6}), {{.heads = 2}});
  const auto image = [](int64_t lines, int64_t length, int64_t channels) {
    return Image{1, lines, length, 8, channels / 4, length - 1};
  };
  spec.benchmark("C64_L56_B448", with_norm(image(448, 56, 64)), {{.axis = kWidth}});
  spec.benchmark("C128_L56_B448", with_norm(image(448, 56, 128)), {{.axis = kWidth}});
  spec.benchmark("C128_L56_B448_height", with_norm({8, 56, 56, 8, 32, 55}));
  spec.benchmark("C128_L28_B224", with_norm(image(224, 28, 128)), {{.axis = kWidth}});
  spec.benchmark("C256_L14_B112", with_norm(image(112, 14, 256)), {{.axis = kWidth}});
  spec.benchmark("C512_L7_B56", with_norm(image(56, 7, 512)), {{.axis = kWidth}});
  spec.benchmark("C64_L56_B56", with_norm(image(56, 56, 64)), {{.axis = kWidth}});
  spec.benchmark("C64_L161_B161", with_norm(image(161, 161, 64)), {{.axis = kWidth}});
  spec.benchmark("C256_L41_B41", with_norm(image(41, 41, 256)), {{.axis = kWidth}});
  spec.benchmark("C128_L257_B129", with_norm(image(129, 257, 128)), {{.axis = kWidth}});
  spec.benchmark("C128_L257_B129_span65", with_norm(image(129, 257, 128)), {{.axis = kWidth, .span = 65}});
  const AxialAttention::Options two{{.heads = 2}};
  const Image small{1, 3, 2, 2, 8, 2};
  spec.error("wants qkv [N, H, W, heads (2 d + e)] with 2 heads", {floats({1, 3, 2, 15}), floats({8, 5})}, two);
  spec.error("relative must be [8, 2 M - 1] with M at least 3, got [8, 3] (qkv [1, 3, 2, 16])",
             without_norm({1, 3, 2, 2, 8, 1}), two);
  spec.error("span must be odd, got 2", without_norm(small), {{.heads = 2, .span = 2}});
  spec.error("d and e must be in 1 .. 128, got 4 and 0", without_norm(small), {{.heads = 2, .dim = 4}});
  spec.error("weight must be [6], got [4]", with_norm(small, 2), two);
  spec.error("training needs more than one logit per head", with_norm({1, 1, 1, 2, 8, 0}), two);
  spec.error("needs a term of the logits and one of the output", without_norm(small),
             {{.heads = 2, .value_content = false, .value_position = false}});
  spec.exempt("device", "there is no kernel for CUDA; the op says so");
  spec.differentiable({0, 1, 2, 3}).twice_differentiable().tolerance(Tolerance::accumulate(100));
}
