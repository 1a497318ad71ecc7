#pragma once

#include "core/tensor.h"

namespace lv {

/// A group of processes, as code below `distributed` sees it.
class Communicator {
 public:
  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// Replaces `tensor` by its sum over the ranks, bitwise equal on all of them. Contiguous and floating; the same shape
  /// and dtype on every rank. Ordered like a kernel on the current stream of the tensor's device.
  virtual void all_reduce_sum(const Tensor& tensor) = 0;
};

}  // namespace lv
