#include "kernels/onednn/conv.h"

#include <array>

#include "core/parallel.h"
#include "kernels/copy.h"
#include "kernels/onednn/gemm.h"
#include "kernels/onednn/library.h"

// See Note [oneDNN on our threads]. Images are spread over tasks, one primitive for one image: activations stay in
// plain [N, H, W, C], and only weights take the order that the library prefers, once a call.

namespace lv::kernels::onednn {

namespace {

using dnnl::memory;
using Desc = memory::desc;

/// One convolution of `images` images.
struct Problem {
  int64_t images, channels, outputs;
  ConvShape shape;
  DType dtype;
  bool has_bias;

  [[nodiscard]] Desc x(int64_t n) const { return nhwc(n, channels, shape.height.in, shape.width.in); }
  [[nodiscard]] Desc y(int64_t n) const { return nhwc(n, outputs, shape.height.out, shape.width.out); }
  [[nodiscard]] Desc bias() const {
    return has_bias ? Desc({outputs}, data_type(dtype), memory::format_tag::a) : Desc();
  }
  /// Weights as the caller keeps them, [O, KH, KW, I], of some dtype.
  [[nodiscard]] Desc weights(DType weight_dtype) const {
    const int64_t in = channels / shape.groups;
    const int64_t columns = shape.width.kernel;
    const int64_t filter = shape.height.kernel * columns * in;
    memory::dims steps{filter, 1, columns * in, in};
    if (shape.groups > 1) {
      steps.insert(steps.begin(), outputs / shape.groups * filter);
    }
    return {weight_dims(), data_type(weight_dtype), steps};
  }
  /// Weights in an order that the library may choose.
  [[nodiscard]] Desc any_weights(DType weight_dtype) const {
    return {weight_dims(), data_type(weight_dtype), memory::format_tag::any};
  }
  [[nodiscard]] memory::dims strides() const { return {shape.height.stride, shape.width.stride}; }
  [[nodiscard]] memory::dims dilations() const { return {shape.height.dilation - 1, shape.width.dilation - 1}; }
  [[nodiscard]] memory::dims padding() const { return {shape.height.padding, shape.width.padding}; }

 private:
  /// With a leading axis of groups only where there are several: the library reorders the others faster.
  [[nodiscard]] memory::dims weight_dims() const {
    memory::dims dims{outputs / shape.groups, channels / shape.groups, shape.height.kernel, shape.width.kernel};
    if (shape.groups > 1) {
      dims.insert(dims.begin(), shape.groups);
    }
    return dims;
  }
  [[nodiscard]] Desc nhwc(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return {{n, c, h, w}, data_type(dtype), memory::format_tag::nhwc};
  }
};

/// A prepared convolution; empty where the library has reference loops only.
struct Prepared {
  dnnl::primitive primitive;
  Desc weights, scratchpad;
  bool is_fast = false;
};

enum class Pass : uint8_t { forward, input_grad, weight_grad };

template <class PrimitiveDesc, class Primitive>
void finish(Prepared& prepared, const PrimitiveDesc& desc, const Desc& weights) {
  if (desc && is_optimised(desc.impl_info_str())) {
    prepared.primitive = Primitive(desc);
    prepared.weights = weights;
    prepared.scratchpad = desc.scratchpad_desc();
    prepared.is_fast = true;
  }
}

std::shared_ptr<const Prepared> prepare(Pass pass, const Problem& problem, int64_t images) {
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
  auto prepared = std::make_shared<Prepared>();
  const Desc x = problem.x(images);
  const Desc y = problem.y(images);
  const auto strides = problem.strides();
  const auto dilations = problem.dilations();
  const auto padding = problem.padding();
  const Desc weights = problem.any_weights(problem.dtype);
  const auto forward_desc =
      problem.has_bias ? dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, kDirect, x, weights,
                                                         problem.bias(), y, strides, dilations, padding, padding)
                       : dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, kDirect, x, weights, y,
                                                         strides, dilations, padding, padding);
  const dnnl::convolution_forward::primitive_desc forward(forward_desc, attributes(), engine(), /*allow_empty=*/true);
  if (!forward) {
    return prepared;
  }
  if (pass == Pass::forward) {
    finish<dnnl::convolution_forward::primitive_desc, dnnl::convolution_forward>(*prepared, forward,
                                                                                 forward.weights_desc());
  } else if (pass == Pass::input_grad) {
    const dnnl::convolution_backward_data::desc desc(kDirect, x, weights, y, strides, dilations, padding, padding);
    const dnnl::convolution_backward_data::primitive_desc data(desc, attributes(), engine(), forward, true);
    if (data) {
      finish<dnnl::convolution_backward_data::primitive_desc, dnnl::convolution_backward_data>(*prepared, data,
                                                                                               data.weights_desc());
    }
  } else {
    const dnnl::convolution_backward_weights::desc desc(kDirect, x, problem.any_weights(DType::f32), y, strides,
                                                        dilations, padding, padding);
    const dnnl::convolution_backward_weights::primitive_desc filters(desc, attributes(), engine(), forward, true);
    if (filters) {
      finish<dnnl::convolution_backward_weights::primitive_desc, dnnl::convolution_backward_weights>(
          *prepared, filters, filters.diff_weights_desc());
    }
  }
  return prepared;
}

std::shared_ptr<const Prepared> prepared(Pass pass, const Problem& problem, int64_t images) {
  using Key = std::array<int64_t, 16>;
  static PrimitiveCache<Key, Prepared> cache;
  const auto& [height, width, groups] = problem.shape;
  const int64_t flags = int64_t(pass) | int64_t(problem.dtype) << 4 | int64_t(problem.has_bias) << 8;
  const Key key{images,          problem.channels, problem.outputs, groups,
                height.in,       height.kernel,    height.stride,   height.padding,
                height.dilation, width.in,         width.kernel,    width.stride,
                width.padding,   width.dilation,   flags,           height.out * width.out};
  return cache.get(key, [&] { return prepare(pass, problem, images); });
}

void reorder(const Desc& from, const void* source, const Desc& to, void* target) {
  const OneThread one_thread;
  const dnnl::stream stream(engine());
  memory input = memory_at(from, source);
  memory output(to, engine(), target);
  dnnl::reorder(input, output).execute(stream, input, output);
}

struct WeightTag;
struct PartialTag;
struct PlainTag;

/// The caller's weights in the prepared convolution's order: itself when that is the same.
const void* arranged_weights(const Problem& problem, const Prepared& prepared, const void* weights) {
  const Desc plain = problem.weights(problem.dtype);
  if (prepared.weights == plain) {
    return weights;
  }
  void* target = thread_memory<WeightTag>(prepared.weights.get_size());
  reorder(plain, weights, prepared.weights, target);
  return target;
}

void execute(const Prepared& prepared, std::unordered_map<int, memory> arguments) {
  const OneThread one_thread;
  const dnnl::stream stream(engine());
  arguments.emplace(DNNL_ARG_SCRATCHPAD, scratchpad(prepared.scratchpad));
  prepared.primitive.execute(stream, arguments);
}

Problem problem_of(const ConstTensorRef& x, const ConstTensorRef& y, const ConvShape& shape, bool has_bias) {
  return {.images = x.size(0),
          .channels = x.size(3),
          .outputs = y.size(3),
          .shape = shape,
          .dtype = x.dtype,
          .has_bias = has_bias};
}

bool is_worthwhile(const Problem& problem) { return has_fast_kernels(problem.dtype) && problem.images > 0; }

/// Writes a gradient in the library's order and f32 to dweight. The library converts the dtype only by its reference
/// loops.
void store_weight_grad(const Problem& problem, const Desc& from, const float* source, const TensorRef& dweight) {
  const Desc plain = problem.weights(DType::f32);
  if (dweight.dtype == DType::f32) {
    reorder(from, source, plain, dweight.data);
    return;
  }
  void* floats = thread_memory<PlainTag>(plain.get_size());
  reorder(from, source, plain, floats);
  cpu::copy({.x = {floats, dweight.shape, dweight.strides, DType::f32}, .y = dweight});
}

/// A pointwise convolution's weight gradient is one long product of matrices.
bool try_pointwise_weight_grad(const ConvWeightGradArgs& args) {
  const int64_t pixels = args.x.numel() / args.x.size(3);
  const int64_t in = args.x.size(3);
  const int64_t out = args.grad.size(3);
  const int64_t parts = gemm_depth_parts(out, in, pixels, args.x.dtype);
  TensorRef partials;
  if (parts > 1) {
    void* memory_of_parts = thread_memory<PartialTag>(size_t(parts * out * in) * sizeof(float));
    partials = {{memory_of_parts, {parts, out, in}, {out * in, in, 1}, DType::f32}};
  }
  return try_gemm({.a = {args.grad.data, {1, out, pixels}, {0, 1, out}, args.grad.dtype},
                   .b = {args.x.data, {1, pixels, in}, {0, in, 1}, args.x.dtype},
                   .bias = {},
                   .c = {{args.dweight.data, {1, out, in}, {out * in, in, 1}, args.dweight.dtype}},
                   .partials = partials});
}

/// Bytes of one image of an array.
int64_t image_bytes(const ConstTensorRef& array) { return array.numel() / array.size(0) * size_bytes(array.dtype); }

}  // namespace

bool try_conv(const ConvArgs& args) {
  const Problem problem = problem_of(args.x, args.y, args.shape, args.bias.defined());
  if (!is_worthwhile(problem)) {
    return false;
  }
  const auto one_image = prepared(Pass::forward, problem, 1);
  if (!one_image->is_fast) {
    return false;
  }
  const void* weights = arranged_weights(problem, *one_image, args.weight.data);
  parallel_for(problem.images, 1, [&](int64_t image, int64_t) {
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, memory_at(problem.x(1), args.x.as<std::byte>() + image * image_bytes(args.x))},
        {DNNL_ARG_WEIGHTS, memory_at(one_image->weights, weights)},
        {DNNL_ARG_DST, memory_at(problem.y(1), args.y.as<std::byte>() + image * image_bytes(args.y))}};
    if (problem.has_bias) {
      arguments.emplace(DNNL_ARG_BIAS, memory_at(problem.bias(), args.bias.data));
    }
    execute(*one_image, std::move(arguments));
  });
  return true;
}

bool try_conv_input_grad(const ConvInputGradArgs& args) {
  const Problem problem = problem_of(args.dx, args.grad, args.shape, false);
  if (!is_worthwhile(problem)) {
    return false;
  }
  const auto one_image = prepared(Pass::input_grad, problem, 1);
  if (!one_image->is_fast) {
    return false;
  }
  const void* weights = arranged_weights(problem, *one_image, args.weight.data);
  parallel_for(problem.images, 1, [&](int64_t image, int64_t) {
    execute(*one_image,
            {{DNNL_ARG_DIFF_SRC, memory_at(problem.x(1), args.dx.as<std::byte>() + image * image_bytes(args.dx))},
             {DNNL_ARG_WEIGHTS, memory_at(one_image->weights, weights)},
             {DNNL_ARG_DIFF_DST, memory_at(problem.y(1), args.grad.as<std::byte>() + image * image_bytes(args.grad))}});
  });
  return true;
}

bool try_conv_weight_grad(const ConvWeightGradArgs& args) {
  const Problem problem = problem_of(args.x, args.grad, args.shape, false);
  if (!is_worthwhile(problem)) {
    return false;
  }
  if (args.shape.is_pointwise() && args.shape.groups == 1 && try_pointwise_weight_grad(args)) {
    return true;
  }
  // Each part is a sum of its own, which has to be written and read again: few parts where weights are large.
  constexpr int64_t kLargeWeight = int64_t(1) << 18;
  const int64_t wanted = args.dweight.numel() > kLargeWeight ? 2 : 4;
  const int64_t images = chunk_count(problem.images, std::min(wanted, problem.images));
  const int64_t parts = chunk_count(problem.images, images);
  const auto whole = prepared(Pass::weight_grad, problem, images);
  const auto rest = prepared(Pass::weight_grad, problem, problem.images - (parts - 1) * images);
  if (!whole->is_fast || !rest->is_fast || whole->weights != rest->weights) {
    return false;
  }
  const auto part_size = int64_t(whole->weights.get_size() / sizeof(float));
  auto* partials = static_cast<float*>(thread_memory<PartialTag>(size_t(parts * part_size) * sizeof(float)));
  parallel_for(parts, 1, [&](int64_t part, int64_t) {
    const int64_t first = part * images;
    const int64_t count = std::min(images, problem.images - first);
    execute(
        part + 1 < parts ? *whole : *rest,
        {{DNNL_ARG_SRC, memory_at(problem.x(count), args.x.as<std::byte>() + first * image_bytes(args.x))},
         {DNNL_ARG_DIFF_WEIGHTS, memory_at(whole->weights, partials + part * part_size)},
         {DNNL_ARG_DIFF_DST, memory_at(problem.y(count), args.grad.as<std::byte>() + first * image_bytes(args.grad))}});
  });
  constexpr int64_t kSumGrain = 16384;
  parallel_for(parts > 1 ? part_size : 0, kSumGrain, [&](int64_t begin, int64_t end) {
    for (int64_t part = 1; part < parts; ++part) {
      for (int64_t i = begin; i < end; ++i) {
        partials[i] += partials[part * part_size + i];
      }
    }
  });
  store_weight_grad(problem, whole->weights, partials, args.dweight);
  return true;
}

}  // namespace lv::kernels::onednn
