#pragma once

#include "tests/specs/harness.h"

// The checks that all_checks() makes of one spec.

namespace lv::specs {

Outcome check_value(const OpSpec& spec);
Outcome check_layouts(const OpSpec& spec);
Outcome check_low_precision(const OpSpec& spec);
Outcome check_gradient(const OpSpec& spec);
Outcome check_second_gradient(const OpSpec& spec);
Outcome check_determinism(const OpSpec& spec);
Outcome check_device(const OpSpec& spec);
Outcome check_errors(const OpSpec& spec);
Outcome check_completeness(const OpSpec& spec);

/// The cases that this run covers: all, or the LV_SPEC_SMALL smallest.
std::vector<const Case*> selected_cases(const OpSpec& spec);

[[nodiscard]] bool has_dtype(const OpSpec& spec, DType dtype);
/// f32 where the op takes it, else its only dtype.
[[nodiscard]] DType main_dtype(const OpSpec& spec);

/// Empty when `actual` agrees with `reference` to `bound`, else a report.
std::string compare_lists(const std::string& what, Inputs actual, Inputs reference, double bound);

}  // namespace lv::specs
