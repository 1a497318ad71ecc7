#include "nn/module.h"

#include <algorithm>
#include <map>
#include <set>

namespace lv::nn {

void Module::add(std::string name, Module& child) {
  LV_CHECK(std::none_of(children_.begin(), children_.end(), [&](const Child& c) { return c.name == name; }),
           "module: a child named {} is registered already", name);
  children_.push_back({std::move(name), &child});
}

void Module::add_parameter(std::string name, Tensor& tensor) {
  tensor.set_requires_grad();
  parameters_.push_back({std::move(name), &tensor});
}

void Module::add_buffer(std::string name, Tensor& tensor) { buffers_.push_back({std::move(name), &tensor}); }

void Module::visit_tensors(const std::string& prefix,
                           const std::function<void(const std::string&, Tensor&, bool)>& visit) const {
  for (const Entry& entry : parameters_) {
    visit(prefix + entry.name, *entry.tensor, true);
  }
  for (const Entry& entry : buffers_) {
    visit(prefix + entry.name, *entry.tensor, false);
  }
  for (const Child& child : children_) {
    child.module->visit_tensors(prefix + child.name + ".", visit);
  }
}

std::vector<NamedTensor> Module::named_parameters() const {
  std::vector<NamedTensor> result;
  std::set<const TensorImpl*> seen;
  visit_tensors("", [&](const std::string& name, const Tensor& tensor, bool is_parameter) {
    if (is_parameter && seen.insert(tensor.impl()).second) {
      result.push_back({name, tensor});
    }
  });
  return result;
}

std::vector<NamedTensor> Module::named_buffers() const {
  std::vector<NamedTensor> result;
  visit_tensors("", [&](const std::string& name, const Tensor& tensor, bool is_parameter) {
    if (!is_parameter) {
      result.push_back({name, tensor});
    }
  });
  return result;
}

std::vector<NamedTensor> Module::state_dict() const {
  std::vector<NamedTensor> result;
  visit_tensors("", [&](const std::string& name, const Tensor& tensor, bool) { result.push_back({name, tensor}); });
  return result;
}

void Module::for_each_module(const std::function<void(const std::string&, Module&)>& visit) {
  visit("", *this);
  for (const Child& child : children_) {
    child.module->for_each_module([&](const std::string& name, Module& module) {
      visit(name.empty() ? child.name : child.name + "." + name, module);
    });
  }
}

int64_t Module::multiply_adds(const Shape& /*input*/, const Shape& /*output*/) const { return 0; }

void Module::train(bool is_training) {
  for_each_module([&](const std::string&, Module& module) { module.is_training_ = is_training; });
}

void Module::replace_tensors(const std::function<Tensor(const Tensor&)>& convert) {
  // A tensor registered under two names must stay one tensor. The old ones are kept meanwhile, so that no address is
  // used twice.
  struct Replacement {
    Tensor before;
    Tensor after;
  };
  std::map<const TensorImpl*, Replacement> replaced;
  visit_tensors("", [&](const std::string&, Tensor& tensor, bool is_parameter) {
    auto [it, inserted] = replaced.try_emplace(tensor.impl());
    if (inserted) {
      Tensor after = convert(tensor).detach();
      if (is_parameter) {
        after.set_requires_grad(tensor.requires_grad());
      }
      it->second = {tensor, after};
    }
    tensor = it->second.after;
  });
}

void Module::to(Device device) {
  replace_tensors([&](const Tensor& tensor) {
    const bool is_counter = tensor.rank() == 0 && !is_floating(tensor.dtype());
    return is_counter ? tensor : tensor.to(device);
  });
}

void Module::to(DType dtype) {
  replace_tensors([&](const Tensor& tensor) { return is_floating(tensor.dtype()) ? tensor.to(dtype) : tensor; });
}

void Module::zero_grad() const {
  for (const NamedTensor& parameter : named_parameters()) {
    if (const Tensor grad = parameter.tensor.grad(); grad.defined()) {
      grad.fill(0.0);
    }
  }
}

void Module::set_requires_grad(bool value) const {
  for (const NamedTensor& parameter : named_parameters()) {
    parameter.tensor.set_requires_grad(value);
  }
}

}  // namespace lv::nn
