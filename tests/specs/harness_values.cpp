// Checks of values, layouts, errors and completeness.

#include <algorithm>
#include <cmath>

#include "autograd/registry.h"
#include "tests/specs/harness_checks.h"

namespace lv::specs {

namespace {

Outcome failure(const OpSpec& spec, const std::string& text) {
  return {Outcome::Kind::failed, fmt::format("{}: {}", spec.op, text)};
}

double bound_of(const OpSpec& spec, DType dtype) { return spec.tolerance.epsilons * epsilon_of(dtype); }

/// Runs one case in `dtype` and compares with the reference evaluated in float64 on the same inputs.
std::string compare_case(const OpSpec& spec, const Case& spec_case, Inputs inputs, DType dtype,
                         const std::string& what) {
  const TensorList actual = spec_case.run(inputs);
  const TensorList reference = spec_case.reference(to_dtype(inputs, DType::f64));
  for (int i = 0; i < actual.size(); ++i) {
    if (actual[i].defined() && is_floating(actual[i].dtype()) && is_floating(dtype) && spec.op != "cast" &&
        actual[i].dtype() != dtype && actual[i].dtype() != DType::f32) {
      return fmt::format("{}: output {} is {} for {} inputs", what, i, actual[i].dtype(), dtype);
    }
  }
  return compare_lists(what, actual, reference, bound_of(spec, dtype));
}

}  // namespace

Outcome check_value(const OpSpec& spec) {
  for (const Case* spec_case : selected_cases(spec)) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      if (!has_dtype(spec, dtype)) {
        continue;
      }
      const TensorList inputs = make_inputs(*spec_case, dtype);
      const auto& statistics = autograd::op_statistics(spec.op);
      const int64_t copies = statistics.contiguous_copies;
      const std::string text =
          compare_case(spec, *spec_case, inputs, dtype, fmt::format("{} {}", spec_case->name, dtype));
      if (!text.empty()) {
        return failure(spec, text);
      }
      if (statistics.contiguous_copies != copies) {
        return failure(spec, fmt::format("{}: contiguous inputs were copied", spec_case->name));
      }
    }
  }
  return {};
}

Outcome check_layouts(const OpSpec& spec) {
  const DType dtype = main_dtype(spec);
  for (const Case* spec_case : selected_cases(spec)) {
    const TensorList inputs = make_inputs(*spec_case, dtype);
    for (const Layout layout : {Layout::transposed, Layout::sliced, Layout::broadcast}) {
      const TensorList laid_out = with_layout(inputs, layout, *spec_case);
      const std::string what =
          fmt::format("{} {} {}", spec_case->name, dtype,
                      std::array{"contiguous", "transposed", "sliced", "broadcast"}[size_t(layout)]);
      if (const std::string text = compare_case(spec, *spec_case, laid_out, dtype, what); !text.empty()) {
        return failure(spec, text);
      }
    }
  }
  return {};
}

Outcome check_errors(const OpSpec& spec) {
  for (const ErrorCase& error : spec.errors) {
    const Case drawn{.name = "error", .args = error.args, .run = {}, .reference = {}, .cost = {}};
    try {
      error.run(make_inputs(drawn, main_dtype(spec)));
      return failure(spec, fmt::format("no error; expected \"{}\"", error.expected));
    } catch (const Error& caught) {
      const std::string_view text = caught.what();
      if (text.find(error.expected) == std::string_view::npos) {
        return failure(spec, fmt::format("error \"{}\" does not say \"{}\"", text, error.expected));
      }
      if (!text.starts_with(spec.op)) {
        return failure(spec, fmt::format("error \"{}\" does not begin with the op's name", text));
      }
    }
  }
  return {};
}

Outcome check_completeness(const OpSpec& spec) {
  bool has_empty = false;
  bool has_odd = false;
  bool has_tail = false;
  for (const Case& spec_case : spec.cases) {
    for (const Arg& arg : spec_case.args) {
      const int64_t count = numel(arg.shape);
      has_empty = has_empty || count == 0;
      has_tail = has_tail || (count > 512 && count % 256 != 0);
      has_odd =
          has_odd || std::any_of(arg.shape.begin(), arg.shape.end(), [](int64_t n) { return n > 1 && n % 2 == 1; });
    }
  }
  const auto lacks = [&](bool has, const char* what) {
    return !has && std::find(spec.exempt.begin(), spec.exempt.end(), what) == spec.exempt.end();
  };
  std::string text;
  text += lacks(has_empty, "empty") ? "no case with an empty tensor; " : "";
  text += lacks(has_odd, "odd") ? "no case with an odd size; " : "";
  text += lacks(has_tail, "tail")
              ? "no case of several blocks and a tail (more than 512 elements, not a multiple of 256); "
              : "";
  text += lacks(!spec.errors.empty(), "errors") ? "no error case; " : "";
  return text.empty() ? Outcome{} : failure(spec, text);
}

Outcome check_low_precision(const OpSpec& spec) {
  bool any = false;
  for (const DType dtype : {DType::bf16, DType::f16}) {
    if (!has_dtype(spec, dtype)) {
      continue;
    }
    any = true;
    for (const Case* spec_case : selected_cases(spec)) {
      const TensorList inputs = make_inputs(*spec_case, dtype);
      const RunResult low = run_with_gradients(spec_case->run, inputs, spec.differentiable, 7);
      const RunResult exact = run_with_gradients(spec_case->run, to_dtype(inputs, DType::f64), spec.differentiable, 7);
      // The composed version rounds at every step; where the reference is a plain loop in float64 it rounds once, and
      // the kernel may then round its result and, in a gradient, one intermediate.
      const TensorList composed = spec_case->reference(inputs);
      for (int i = 0; i < low.outputs.size(); ++i) {
        const double composed_error = compare(composed[i], exact.outputs[i]).relative;
        const double allowed = std::max(2 * composed_error, epsilon_of(dtype));
        const std::string what = fmt::format("{} {} output {}", spec_case->name, dtype, i);
        if (const auto text = compare_lists(what, {&low.outputs[i], 1}, {&exact.outputs[i], 1}, allowed);
            !text.empty()) {
          return failure(spec, text);
        }
      }
      const std::string what = fmt::format("{} {} gradients", spec_case->name, dtype);
      if (const auto text = compare_lists(what, low.grads, exact.grads, 3 * epsilon_of(dtype)); !text.empty()) {
        return failure(spec, text);
      }
    }
  }
  return any ? Outcome{} : Outcome{Outcome::Kind::skipped, fmt::format("{}: takes no 16-bit type", spec.op)};
}

}  // namespace lv::specs
