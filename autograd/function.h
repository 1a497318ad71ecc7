#pragma once

#include "autograd/autocast.h"
#include "autograd/context.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "autograd/registry.h"
#include "core/op_hook.h"

namespace lv::autograd {

/// How an op's backward can be differentiated again.
enum class SecondOrder : uint8_t {
  composed,   // backward is written with differentiable ops
  reference,  // the composed reference is differentiated instead of the kernel
  none,       // not at all: asking for it is an error that says so
};

/// An op is a struct of static members:
///   kName         the name in errors, counters and tests
///   kCast         what autocast does to its inputs
///   kSecondOrder  see above
///   Options       plain values, copied into the graph
///   infer         all checks, all messages; the outputs' shapes and dtypes
///   forward       allocates (ctx.new_output), launches kernels, saves what backward needs
///   backward      one gradient per input; undefined where !ctx.needs_grad(i)
///   reference     the same function composed of other ops or plain loops, independent of the kernels
/// and, where it is cheap to have output 0 again from what forward saved (see Node::can_remake):
///   can_remake    whether that holds for this call
///   remake        output 0, with the bits that forward gave it
template <class Op>
concept OpDefinition = requires(Context& ctx, Inputs in, const typename Op::Options& options) {
  { Op::kName } -> std::convertible_to<std::string_view>;
  { Op::kCast } -> std::convertible_to<CastPolicy>;
  { Op::kSecondOrder } -> std::convertible_to<SecondOrder>;
  { Op::infer(in, options) } -> std::same_as<OutputSpecs>;
  { Op::forward(ctx, in, options) } -> std::same_as<TensorList>;
  { Op::backward(ctx, in, options) } -> std::same_as<TensorList>;
  { Op::reference(in, options) } -> std::same_as<TensorList>;
};

template <class Op>
concept Remakes = requires(Context& ctx, const typename Op::Options& options) {
  { Op::can_remake(ctx) } -> std::same_as<bool>;
  { Op::remake(ctx, options) } -> std::same_as<Tensor>;
};

/// The registry entry of an op; its existence in the program registers the op.
template <OpDefinition Op>
inline OpStatistics& kStatistics = register_op(Op::kName);

/// Gradients of `function(inputs)` for the given output gradients, as differentiable functions of both.
TensorList differentiate_reference(const std::function<TensorList(Inputs)>& function, Inputs inputs, Inputs grads,
                                   uint64_t wanted);

template <OpDefinition Op>
class FunctionNode final : public Node {
 public:
  FunctionNode(Inputs in, OutputSpecs specs, const typename Op::Options& options)
      : ctx(Op::kName, in, std::move(specs), /*is_recorded=*/true), options_(options) {
    ctx.attach(this);
    edges_.reserve(int(in.size()));
    for (const Tensor& input : in) {
      edges_.push_back(gradient_edge(input));
    }
    if constexpr (Op::kSecondOrder == SecondOrder::reference) {
      if (grad_state().keep_inputs) {
        for (const Tensor& input : in) {
          inputs_.push_back(SavedTensor(input, -1));
        }
      }
    }
  }

  [[nodiscard]] std::string_view name() const override { return Op::kName; }

  TensorList apply(std::span<const Tensor> grads, bool create_graph) override {
    const OpScope scope(Op::kName, /*backward=*/true);
    kStatistics<Op>.backward_calls.fetch_add(1, std::memory_order_relaxed);
    if (!create_graph) {
      const NoGradGuard no_grad;
      return Op::backward(ctx, grads, options_);
    }
    if constexpr (Op::kSecondOrder == SecondOrder::composed) {
      const EnableGradGuard recording;
      return Op::backward(ctx, grads, options_);
    } else if constexpr (Op::kSecondOrder == SecondOrder::reference) {
      return apply_reference(grads);
    } else {
      fail("{}: cannot be differentiated twice", Op::kName);
    }
  }

  [[nodiscard]] bool can_remake([[maybe_unused]] int output) const override {
    if constexpr (Remakes<Op>) {
      return output == 0 && Op::can_remake(ctx);
    }
    return false;
  }

  Tensor remake(int output) override {
    if constexpr (Remakes<Op>) {
      const OpScope scope(Op::kName);
      const NoGradGuard no_grad;
      return Op::remake(ctx, options_);
    }
    return Node::remake(output);
  }

  void release_saved() override {
    ctx.release_saved();
    inputs_.clear();
  }

  Context ctx;

 private:
  TensorList apply_reference(std::span<const Tensor> grads) {
    LV_CHECK(inputs_.size() == edges_.size(),
             "{}: its inputs were not kept; run the forward pass under HigherOrderGuard to differentiate twice",
             Op::kName);
    kStatistics<Op>.reference_calls.fetch_add(1, std::memory_order_relaxed);
    TensorList inputs;
    uint64_t wanted = 0;
    for (int i = 0; i < inputs_.size(); ++i) {
      inputs.push_back(inputs_[i].unpack(*this, Op::kName, i));
      wanted |= uint64_t(ctx.needs_grad(i)) << i;
    }
    return differentiate_reference([&](Inputs in) { return Op::reference(in, options_); }, inputs, grads, wanted);
  }

  typename Op::Options options_;
  InlineVector<SavedTensor, 4> inputs_;
};

/// Gives each differentiable output its history.
template <class Op>
void record_outputs(const Intrusive<FunctionNode<Op>>& node, TensorList& outputs) {
  for (int i = 0; i < outputs.size(); ++i) {
    Tensor& output = outputs[i];
    node->outputs.push_back(output.defined() ? OutputMeta{output.shape(), output.dtype(), output.device()}
                                             : OutputMeta{});
    if (!output.defined() || !is_floating(output.dtype()) || !node->ctx.is_differentiable(i)) {
      continue;
    }
    if (meta(output) != nullptr) {
      output = output.detach();  // an input handed through: its own history stays with it
    }
    AutogradMeta& m = meta_or_create(output);
    m.requires_grad = true;
    m.history = {NodePtr(node.get()), i};
  }
}

/// Runs an op: autocast, checks, forward, and the graph's node when a gradient is wanted.
template <OpDefinition Op>
TensorList apply(Inputs inputs, const typename Op::Options& options = {}) {
  const OpScope scope(Op::kName);
  kStatistics<Op>.forward_calls.fetch_add(1, std::memory_order_relaxed);
  TensorList casted;
  Inputs in = inputs;
  if (const auto low = autocast_dtype(); low.has_value() && Op::kCast != CastPolicy::none) {
    casted = autocast(inputs, Op::kCast, *low);
    in = casted;
  }
  OutputSpecs specs = Op::infer(in, options);
  bool is_recorded = false;
  if (grad_enabled()) {
    for (const Tensor& input : in) {
      is_recorded = is_recorded || (input.defined() && input.requires_grad());
    }
  }
  if (!is_recorded) {
    Context ctx(Op::kName, in, std::move(specs), false);
    const NoGradGuard no_grad;
    return Op::forward(ctx, in, options);
  }
  const CallScope call(Op::kName);
  const Intrusive<FunctionNode<Op>> node(new FunctionNode<Op>(in, std::move(specs), options));
  TensorList outputs;
  {
    const NoGradGuard no_grad;
    outputs = Op::forward(node->ctx, in, options);
  }
  record_outputs<Op>(node, outputs);
  return outputs;
}

template <OpDefinition Op>
TensorList apply(std::initializer_list<Tensor> inputs, const typename Op::Options& options = {}) {
  return apply<Op>(Inputs(inputs.begin(), inputs.size()), options);
}

}  // namespace lv::autograd
