#pragma once

#include <functional>
#include <string_view>

#include "core/shape.h"

namespace lv::nn {

class Module;

/// One forward call of a layer.
struct LayerCall {
  const Module& layer;
  std::string_view type;  // "Conv2d"
  Shape input;
  Shape output;
};
using LayerObserver = std::function<void(const LayerCall&)>;

namespace detail {
inline thread_local const LayerObserver* layer_observer = nullptr;
}  // namespace detail

/// Whether the calling thread's layers are told of: where several run as one op otherwise, they then run one by one.
inline bool layers_are_observed() { return detail::layer_observer != nullptr; }

/// Tells `observer` of every layer that the calling thread runs in the scope, when it has run. The observer must
/// outlive the guard; an inner guard replaces the outer one.
class [[nodiscard]] LayerObserverGuard {
 public:
  explicit LayerObserverGuard(const LayerObserver& observer) : outer_(detail::layer_observer) {
    detail::layer_observer = &observer;
  }
  ~LayerObserverGuard() { detail::layer_observer = outer_; }
  LayerObserverGuard(const LayerObserverGuard&) = delete;
  LayerObserverGuard& operator=(const LayerObserverGuard&) = delete;

 private:
  const LayerObserver* outer_;
};

}  // namespace lv::nn
