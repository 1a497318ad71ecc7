#pragma once

#include <atomic>
#include <string_view>
#include <vector>

namespace lv::autograd {

/// Counters of one op, for tests ("the fused path was taken") and reports.
struct OpStatistics {
  std::string_view name;
  std::atomic<int64_t> forward_calls{0};
  std::atomic<int64_t> backward_calls{0};
  std::atomic<int64_t> reference_calls{0};    // double backward through the composed reference
  std::atomic<int64_t> contiguous_copies{0};  // inputs whose layout no kernel takes
};

/// Registers an op at static initialisation; the returned object lives for ever.
OpStatistics& register_op(std::string_view name);

/// Every op of the program, in order of name.
std::vector<const OpStatistics*> registered_ops();

/// The statistics of a registered op; throws for an unknown name.
OpStatistics& op_statistics(std::string_view name);

void reset_op_statistics();

}  // namespace lv::autograd
