#pragma once

#include <functional>
#include <memory>

#include "nn/module.h"

namespace lv::nn {

/// Modules of one type, registered as "0", "1", ... in the order of emplace_back.
template <class T>
class ModuleList final : public Module {
 public:
  template <class... Args>
  T& emplace_back(Args&&... args) {
    modules_.push_back(std::make_unique<T>(std::forward<Args>(args)...));
    add(std::to_string(modules_.size() - 1), *modules_.back());
    return *modules_.back();
  }
  [[nodiscard]] size_t size() const { return modules_.size(); }
  T& operator[](size_t i) { return *modules_[i]; }
  auto begin() { return modules_.begin(); }
  auto end() { return modules_.end(); }

 private:
  std::vector<std::unique_ptr<T>> modules_;
};

/// Modules and functions called one after the other. All are counted, modules registered under their number: a
/// convolution, ReLU and a convolution are "0" and "2".
class Sequential final : public Module {
 public:
  template <class T, class... Args>
  T& emplace_back(Args&&... args) {
    auto module = std::make_unique<T>(std::forward<Args>(args)...);
    T& reference = *module;
    add(std::to_string(calls_.size()), reference);
    modules_.push_back(std::move(module));
    calls_.push_back([&reference](const Tensor& x) { return reference.forward(x); });
    return reference;
  }
  void push_back(std::function<Tensor(const Tensor&)> function) { calls_.push_back(std::move(function)); }
  [[nodiscard]] size_t size() const { return calls_.size(); }

  [[nodiscard]] Tensor forward(const Tensor& x) const {
    Tensor y = x;
    for (const auto& call : calls_) {
      y = call(y);
    }
    return y;
  }

 private:
  std::vector<std::unique_ptr<Module>> modules_;
  std::vector<std::function<Tensor(const Tensor&)>> calls_;
};

}  // namespace lv::nn
