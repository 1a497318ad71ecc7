#pragma once

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

}  // namespace lv::nn
