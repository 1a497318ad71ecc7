#pragma once

#include "autograd/saved_tensor.h"
#include "core/stream.h"

namespace lv::autograd {

using Inputs = std::span<const Tensor>;

/// Shape and dtype of an output, as an op's `infer` promises it.
struct OutputSpec {
  Shape shape;
  DType dtype = DType::f32;
};
using OutputSpecs = InlineVector<OutputSpec, 2>;

/// Names the first N inputs: `const auto& [x, weight, bias] = unpack<3>(in);`. Missing trailing inputs are undefined
/// tensors.
template <int N>
std::array<Tensor, N> unpack(Inputs in) {
  std::array<Tensor, N> named;
  std::copy_n(in.begin(), std::min<size_t>(N, in.size()), named.begin());
  return named;
}

/// What one call of an op knows and keeps: its output buffers in forward, its saved tensors in backward.
class Context {
 public:
  Context(std::string_view op, Inputs in, OutputSpecs specs, bool is_recorded);

  // In forward.
  /// A fresh tensor for output `i`, with the inferred shape and dtype.
  [[nodiscard]] Tensor new_output(int i = 0) const;
  /// Output 0 in the layout of the first input of its shape: a permuted activation is walked straight through.
  [[nodiscard]] Tensor new_output_like(Inputs in) const;
  /// Uninitialised memory of the inputs' device.
  [[nodiscard]] Tensor new_empty(const Shape& shape, DType dtype) const { return Tensor::empty(shape, dtype, device_); }
  [[nodiscard]] Stream stream() const { return current_stream(device_); }
  /// False when no backward will follow, so that nothing needs to be kept for it.
  [[nodiscard]] bool is_recorded() const { return is_recorded_; }
  void save(const Tensor& input_or_intermediate) { save_output(input_or_intermediate, -1); }
  void save_output(const Tensor& output, int index = 0);
  /// Output `i` carries no gradient (indices, masks, statistics).
  void non_differentiable(int output) { non_differentiable_ |= 1U << output; }
  [[nodiscard]] bool is_differentiable(int output) const { return (non_differentiable_ >> output & 1U) == 0; }
  /// The op writes `buffer` (running statistics).
  static void mutates(const Tensor& buffer) { buffer.bump_version(); }
  /// `tensor` itself when contiguous, else a copy, counted in the op's statistics.
  [[nodiscard]] Tensor dense(const Tensor& tensor) const;

  // In backward.
  /// The i-th saved tensor, in the order of saving.
  [[nodiscard]] Tensor saved(int i) const;
  /// Whether input `i` wants a gradient.
  [[nodiscard]] bool needs_grad(int i) const { return (needs_grad_ >> i & 1U) != 0; }
  [[nodiscard]] const Shape& input_shape(int i) const { return input_specs_[i].shape; }
  [[nodiscard]] DType input_dtype(int i) const { return input_specs_[i].dtype; }
  [[nodiscard]] int input_count() const { return input_specs_.size(); }
  [[nodiscard]] const OutputSpec& output_spec(int i = 0) const { return output_specs_[i]; }
  /// Fresh tensor shaped as input `i`.
  [[nodiscard]] Tensor new_grad(int i) const { return new_empty(input_shape(i), input_dtype(i)); }

  void attach(Node* owner) { owner_ = owner; }
  void release_saved();

 private:
  std::string_view op_;
  Device device_;
  InlineVector<OutputSpec, 4> input_specs_;
  OutputSpecs output_specs_;
  InlineVector<SavedTensor, 4> saved_;
  uint64_t needs_grad_ = 0;
  unsigned non_differentiable_ = 0;
  bool is_recorded_;
  bool is_released_ = false;
  Node* owner_ = nullptr;
};

}  // namespace lv::autograd
