#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/grad_mode.h"
#include "core/tensor.h"
#include "nn/layer_observer.h"

namespace lv::nn {

/// A part of a network: named parameters, named buffers and named children, in the order of their registration, which
/// is the order of the state dict. The registered names are a contract with published checkpoints.
///
/// A module is neither copied nor moved, since its parent holds its address; a second instance plus copy_state() makes
/// a copy.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Parameters by dotted name ("layer1.0.conv1.weight"). A parameter that is registered twice appears once, under its
  /// first name: what an optimizer wants.
  [[nodiscard]] std::vector<NamedTensor> named_parameters() const;
  [[nodiscard]] std::vector<NamedTensor> named_buffers() const;
  /// Parameters and buffers under all their names: what a checkpoint holds. The tensors are shared, not copied.
  [[nodiscard]] std::vector<NamedTensor> state_dict() const;

  /// Training mode of this module and all its children: batch statistics, dropout.
  void train(bool is_training = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const { return is_training_; }

  /// Moves parameters and buffers; gradients are dropped. Counters (integers of rank 0) stay on the host, which counts.
  void to(Device device);
  /// Converts floating parameters and buffers; gradients are dropped.
  void to(DType dtype);
  void zero_grad() const;
  void set_requires_grad(bool value) const;

  /// Calls `visit(name, module)` for this module (name "") and every descendant, parents first.
  void for_each_module(const std::function<void(const std::string&, Module&)>& visit);

  /// Multiply-adds of a forward call that makes `output` of `input`, without those of children and of element-wise
  /// work.
  [[nodiscard]] virtual int64_t multiply_adds(const Shape& input, const Shape& output) const;

 protected:
  /// Registers a child; `child` must outlive this module (normally it is a member).
  void add(std::string name, Module& child);
  /// Registers `tensor` as a parameter: it will require a gradient. The member tensor itself is what forward uses.
  void add_parameter(std::string name, Tensor& tensor);
  /// Registers state that is saved but not trained (running statistics, queues).
  void add_buffer(std::string name, Tensor& tensor);

  /// Runs `compute`, a layer's forward pass over `x`: named in reports of anomalies, told to the LayerObserver.
  template <class Fn>
  Tensor run_layer(std::string_view type, const Tensor& x, const Fn& compute) const {
    const autograd::CallScope scope(type);
    const Tensor y = compute();
    if (layers_are_observed()) {
      (*detail::layer_observer)({.layer = *this, .type = type, .input = x.shape(), .output = y.shape()});
    }
    return y;
  }

 private:
  struct Entry {
    std::string name;
    Tensor* tensor;
  };
  struct Child {
    std::string name;
    Module* module;
  };

  void visit_tensors(
      const std::string& prefix,
      const std::function<void(const std::string& name, Tensor& tensor, bool is_parameter)>& visit) const;
  void replace_tensors(const std::function<Tensor(const Tensor&)>& convert);

  // One list keeps parameters and buffers in order of registration within each kind, as state dicts do.
  std::vector<Entry> parameters_;
  std::vector<Entry> buffers_;
  std::vector<Child> children_;
  bool is_training_ = true;
};

}  // namespace lv::nn
