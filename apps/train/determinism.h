#pragma once

#include "apps/train/console.h"
#include "apps/train/stepper.h"

namespace lv::train {

/// Hash of all bits of the tensors, in their order.
uint64_t hash_of(const std::vector<NamedTensor>& tensors);

/// Does `steps` updates twice from the same state. Returns 0 when all losses and all bits of the model agree; throws
/// Error that names the first step or tensor in which they differ.
int check_determinism(Task& task, Stepper& stepper, int64_t steps, Console& console);

}  // namespace lv::train
