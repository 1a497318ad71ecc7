#include "tests/specs/harness.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "core/parallel.h"
#include "tests/specs/harness_checks.h"

namespace lv::specs {

double epsilon_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 0x1p-23;
    case DType::f64:
      return 0x1p-52;
    case DType::f16:
      return 0x1p-10;
    case DType::bf16:
      return 0x1p-7;
    default:
      return 0;
  }
}

bool is_differentiable(const Tensor& input) { return input.defined() && is_floating(input.dtype()); }

bool has_dtype(const OpSpec& spec, DType dtype) {
  return std::find(spec.dtypes.begin(), spec.dtypes.end(), dtype) != spec.dtypes.end();
}

DType main_dtype(const OpSpec& spec) { return has_dtype(spec, DType::f32) ? DType::f32 : spec.dtypes.front(); }

std::vector<const Case*> selected_cases(const OpSpec& spec) {
  std::vector<const Case*> cases;
  for (const Case& spec_case : spec.cases) {
    cases.push_back(&spec_case);
  }
  if (const char* text = std::getenv("LV_SPEC_SMALL"); text != nullptr) {
    const auto elements = [](const Case* spec_case) {
      int64_t total = 0;
      for (const Arg& arg : spec_case->args) {
        total += numel(arg.shape);
      }
      return total;
    };
    // Cases without any element prove nothing about a kernel.
    std::erase_if(cases, [&](const Case* spec_case) { return elements(spec_case) == 0; });
    std::stable_sort(cases.begin(), cases.end(), [&](auto* a, auto* b) { return elements(a) < elements(b); });
    cases.resize(std::min(cases.size(), size_t(std::atoi(text))));
  }
  return cases;
}

Difference compare(const Tensor& actual, const Tensor& reference) {
  if (actual.defined() != reference.defined()) {
    return {INFINITY, fmt::format("one of the tensors is undefined: {} against {}", actual, reference)};
  }
  if (!actual.defined()) {
    return {};
  }
  if (actual.shape() != reference.shape()) {
    return {INFINITY, fmt::format("shape {} against {}", actual.shape(), reference.shape())};
  }
  const auto a = actual.to(Device::cpu()).to(DType::f64).to_vector<double>();
  const auto r = reference.to(Device::cpu()).to(DType::f64).to_vector<double>();
  double scale = 0;
  double worst = -1;
  size_t worst_at = 0;
  for (size_t i = 0; i < r.size(); ++i) {
    if (std::isfinite(r[i])) {
      scale = std::max(scale, std::abs(r[i]));
    }
    const bool same = a[i] == r[i] || (std::isnan(a[i]) && std::isnan(r[i]));
    const double distance = same ? 0.0 : std::abs(a[i] - r[i]);
    if (!(distance <= worst)) {  // a NaN distance counts as the worst
      worst = distance;
      worst_at = i;
      if (std::isnan(distance)) {
        worst = INFINITY;
        break;
      }
    }
  }
  if (r.empty() || worst == 0) {
    return {};
  }
  const double relative = scale > 0 ? worst / scale : worst;
  return {relative, fmt::format("element {} is {}, should be {} (largest {}; relative error {:.3g})", worst_at,
                                a[worst_at], r[worst_at], scale, relative)};
}

std::string compare_lists(const std::string& what, Inputs actual, Inputs reference, double bound) {
  if (actual.size() != reference.size()) {
    return fmt::format("{}: {} tensors, the reference has {}", what, actual.size(), reference.size());
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    const Difference difference = compare(actual[i], reference[i]);
    if (!(difference.relative <= bound)) {
      return fmt::format("{}, tensor {}: {}; allowed {:.3g}", what, i, difference.text, bound);
    }
  }
  return {};
}

RunResult run_with_gradients(const std::function<TensorList(Inputs)>& run, Inputs inputs,
                             const std::vector<int>& differentiable, uint64_t cotangent_seed) {
  TensorList leaves;
  std::vector<Tensor> wanted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(inputs[i].defined() ? inputs[i].detach() : inputs[i]);
    const bool is_wanted = std::find(differentiable.begin(), differentiable.end(), int(i)) != differentiable.end();
    if (is_wanted && is_differentiable(inputs[i])) {
      leaves[int(i)].set_requires_grad();
      wanted.push_back(leaves[int(i)]);
    }
  }
  RunResult result;
  result.outputs = run(leaves);
  const TensorList cotangents = make_cotangents(result.outputs, cotangent_seed);
  std::vector<Tensor> outputs;
  std::vector<Tensor> seeds;
  for (int i = 0; i < cotangents.size(); ++i) {
    if (cotangents[i].defined()) {
      outputs.push_back(result.outputs[i]);
      seeds.push_back(cotangents[i]);
    }
  }
  if (!outputs.empty()) {
    for (Tensor& grad : autograd::grad(outputs, wanted, seeds)) {
      result.grads.push_back(std::move(grad));
    }
  }
  return result;
}

namespace {

Check check_of(const OpSpec& spec, std::string_view what, Outcome (*check)(const OpSpec&)) {
  return {fmt::format("{}: {}", spec.op, what), [&spec, check] { return check(spec); }};
}

}  // namespace

Outcome check_every_op_has_a_spec() {
  std::set<std::string_view> specified;
  for (const OpSpec& spec : all_specs()) {
    specified.insert(spec.op);
  }
  std::string missing;
  for (const autograd::OpStatistics* op : autograd::registered_ops()) {
    if (!specified.contains(op->name)) {
      missing += fmt::format("{}: registered, but it has no spec\n", op->name);
    }
  }
  return missing.empty() ? Outcome{} : Outcome{Outcome::Kind::failed, missing};
}

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  for (const OpSpec& spec : all_specs()) {
    checks.push_back(check_of(spec, "spec is complete", check_completeness));
    checks.push_back(check_of(spec, "value", check_value));
    checks.push_back(check_of(spec, "layouts", check_layouts));
    checks.push_back(check_of(spec, "errors", check_errors));
    checks.push_back(check_of(spec, "determinism", check_determinism));
    checks.push_back(check_of(spec, "low precision", check_low_precision));
    checks.push_back(check_of(spec, "device", check_device));
    if (!spec.differentiable.empty()) {
      checks.push_back(check_of(spec, "gradient", check_gradient));
    }
    if (spec.is_twice_differentiable) {
      checks.push_back(check_of(spec, "gradient of gradient", check_second_gradient));
    }
  }
  return checks;
}

int run_all_checks() {
  int counts[3] = {};
  for (const Check& check : all_checks()) {
    Outcome outcome;
    try {
      outcome = check.run();
    } catch (const std::exception& error) {
      outcome = {Outcome::Kind::failed, error.what()};
    }
    ++counts[int(outcome.kind)];
    if (outcome.kind != Outcome::Kind::passed) {
      fmt::print("{}: {}: {}\n", outcome.kind == Outcome::Kind::failed ? "FAILED" : "skipped", check.name,
                 outcome.text);
    }
  }
  fmt::print("{} passed, {} failed, {} skipped\n", counts[0], counts[1], counts[2]);
  return counts[1] == 0 ? 0 : 1;
}

}  // namespace lv::specs
