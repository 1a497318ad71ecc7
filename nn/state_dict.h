#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/module.h"

namespace lv::nn {

struct LoadOptions {
  std::string strip_prefix;                // removed from names that begin with it ("module.")
  std::vector<std::string> allow_missing;  // names, or prefixes ending in '*', that the source may lack
};

/// Copies `source` into the module's parameters and buffers by name; dtypes are converted, layouts and devices may
/// differ. Strict: a missing, unexpected or differently shaped entry is an Error that lists all of them, with shapes,
/// and names a prefix whose removal would help. Nothing is copied then.
void load_state_dict(Module& module, std::span<const NamedTensor> source, const LoadOptions& options = {});

/// Makes `target` equal to `source`, which must have the same structure (a teacher and its student).
void copy_state(const Module& source, Module& target);

}  // namespace lv::nn
