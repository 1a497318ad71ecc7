#pragma once

#include "autograd/function.h"
#include "ops/norm.h"

// The op structs behind ops/norm.h; only their specs and their .cpp files include this.

namespace lv::ops {

using autograd::CastPolicy;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::SecondOrder;

/// Inputs: x, weight, bias, residual, mean, variance; all but x may be absent. With mean and variance these are the
/// statistics and y the only output; without them the batch's are taken, and returned: y, mean and unbiased variance,
/// [stat_groups, C].
struct BatchNorm {
  static constexpr std::string_view kName = "batch_norm";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  struct Options {
    double eps = 1e-5;
    int stat_groups = 1;
    bool relu = false;
    Communicator* communicator = nullptr;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
  /// In networks the output's consumer would keep as much as this op keeps with x; made again, it costs one pass.
  static bool can_remake(const Context& ctx);
  static Tensor remake(Context& ctx, const Options& options);
};

/// Inputs: x, weight, bias; all but x may be absent.
struct LayerNorm {
  static constexpr std::string_view kName = "layer_norm";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  using Options = LayerNormOptions;
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: x, weight, bias; all but x may be absent.
struct GroupNorm {
  static constexpr std::string_view kName = "group_norm";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  using Options = GroupNormOptions;
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Input: x.
struct L2Normalize {
  static constexpr std::string_view kName = "l2_normalize";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  struct Options {
    int axis = -1;
    double eps = 1e-12;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: v, g.
struct WeightNorm {
  static constexpr std::string_view kName = "weight_norm";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  struct Options {};
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: a, b, of one shape.
struct CosineSimilarity {
  static constexpr std::string_view kName = "cosine_similarity";
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::reference;
  struct Options {
    int axis = -1;
    double eps = 1e-8;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

}  // namespace lv::ops
