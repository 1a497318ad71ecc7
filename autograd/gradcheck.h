#pragma once

#include <functional>
#include <string>

#include "autograd/context.h"

namespace lv::autograd {

struct GradcheckOptions {
  double step = 1e-3;         // of the fourth-order central difference
  double tolerance = 1e-7;    // relative to the largest derivative of the input
  int64_t max_elements = 96;  // inputs up to this size are checked element by element, all in random directions
  int directions = 2;
  uint64_t seed = 1;
};

struct GradcheckReport {
  bool is_ok = true;
  std::string text;        // one line a mismatch: input, index or direction, both values
  double worst_error = 0;  // relative
};

/// Compares the gradients of `function` with central differences, for a random gradient of its outputs.
/// inputs: float64; those that require a gradient are differentiated. `function` must be pure. Throws DTypeError
/// otherwise.
GradcheckReport gradcheck(const std::function<TensorList(Inputs)>& function, Inputs inputs,
                          const GradcheckOptions& options = {});

}  // namespace lv::autograd
