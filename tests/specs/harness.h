#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/specs/spec.h"

// Turns specs into checks. A check is independent of any test framework; tests/specs_main registers each with Catch2.

namespace lv::specs {

struct Outcome {
  enum class Kind : uint8_t { passed, failed, skipped } kind = Kind::passed;
  std::string text;  // what failed, with op, case, input, index and both values; why it was skipped
};

struct Check {
  std::string name;  // "softmax: gradient"
  std::function<Outcome()> run;
};

/// Every check of every spec in the program. LV_SPEC_SMALL=n keeps the n smallest cases of each.
std::vector<Check> all_checks();

/// That every registered op of the program has a spec.
Outcome check_every_op_has_a_spec();

/// Runs all_checks() without a test framework, prints what failed and the line "N passed, N failed, N skipped"; returns
/// main's exit status.
int run_all_checks();

// The parts, for checks with inputs of their own.

/// Where in memory an argument's values lie; the values are the same (except for broadcast, which repeats the first
/// row).
enum class Layout : uint8_t { contiguous, transposed, sliced, broadcast };

/// Draws the inputs of a case. Values depend on (case name, position, seed) only, and are representable in every
/// floating dtype wider than `dtype`.
TensorList make_inputs(const Case& spec_case, DType dtype, uint64_t seed = 1);
TensorList with_layout(Inputs inputs, Layout layout, const Case& spec_case);
TensorList to_device(Inputs inputs, Device device);
TensorList to_dtype(Inputs inputs, DType dtype);

/// max|a - reference| / max|reference|; the index and values of the worst element in `text`.
struct Difference {
  double relative = 0;
  std::string text;
};
Difference compare(const Tensor& actual, const Tensor& reference);

double epsilon_of(DType dtype);

/// False for an absent input and for indices: an input that is differentiable may hold either in some case.
bool is_differentiable(const Tensor& input);

/// A cotangent for each floating output, undefined for the others.
TensorList make_cotangents(Inputs outputs, uint64_t seed);

/// Outputs of `run` and gradients of its differentiable inputs for the given cotangents.
struct RunResult {
  TensorList outputs;
  TensorList grads;
};
RunResult run_with_gradients(const std::function<TensorList(Inputs)>& run, Inputs inputs,
                             const std::vector<int>& differentiable, uint64_t cotangent_seed);

}  // namespace lv::specs
