// Checks of gradients, of determinism and of the device's results.

#include <algorithm>
#include <cstring>

#include "autograd/gradcheck.h"
#include "core/cuda/driver.h"
#include "core/parallel.h"
#include "tests/specs/harness_checks.h"
#if defined(LV_CUDA_EMULATED)
#include "kernels/simt/emulator.h"
#endif

namespace lv::specs {

namespace {

Outcome failure(const OpSpec& spec, const std::string& text) {
  return {Outcome::Kind::failed, fmt::format("{}: {}", spec.op, text)};
}

bool has_elements(Inputs inputs, const std::vector<int>& positions) {
  return std::any_of(positions.begin(), positions.end(), [&](int i) {
    return size_t(i) < inputs.size() && is_differentiable(inputs[size_t(i)]) && inputs[size_t(i)].numel() > 0;
  });
}

TensorList with_leaves(Inputs inputs, const std::vector<int>& differentiable) {
  TensorList leaves;
  for (size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(inputs[i]);
    if (is_differentiable(inputs[i]) &&
        std::find(differentiable.begin(), differentiable.end(), int(i)) != differentiable.end()) {
      leaves[int(i)] = inputs[i].detach();
      leaves[int(i)].set_requires_grad();
    }
  }
  return leaves;
}

bool is_bitwise_equal(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) {
    return false;
  }
  if (!a.defined()) {
    return true;
  }
  const Tensor x = a.to(Device::cpu()).contiguous();
  const Tensor y = b.to(Device::cpu()).contiguous();
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         (x.numel() == 0 || std::memcmp(x.raw_data(), y.raw_data(), size_t(x.size_bytes())) == 0);
}

std::string compare_bits(const RunResult& a, const RunResult& b) {
  for (int i = 0; i < a.outputs.size(); ++i) {
    if (!is_bitwise_equal(a.outputs[i], b.outputs[i])) {
      return fmt::format("output {} differs: {}", i, compare(a.outputs[i], b.outputs[i]).text);
    }
  }
  for (int i = 0; i < a.grads.size(); ++i) {
    if (!is_bitwise_equal(a.grads[i], b.grads[i])) {
      return fmt::format("gradient {} differs: {}", i, compare(a.grads[i], b.grads[i]).text);
    }
  }
  return {};
}

class ThreadCountScope {
 public:
  ThreadCountScope() : previous_(num_threads()) {}
  ~ThreadCountScope() { set_num_threads(previous_); }
  ThreadCountScope(const ThreadCountScope&) = delete;
  ThreadCountScope& operator=(const ThreadCountScope&) = delete;

 private:
  int previous_;
};

/// Lane orders to try: three in the emulator, one on a real device.
std::vector<int> lane_orders() {
#if defined(LV_CUDA_EMULATED)
  return {0, 1, 2};
#else
  return {0};
#endif
}

void set_lane_order([[maybe_unused]] int order) {
#if defined(LV_CUDA_EMULATED)
  simt::options().order = simt::LaneOrder(order);
#endif
}

std::string compare_on_device(const OpSpec& spec, const Case& spec_case, DType dtype) {
  const TensorList inputs = make_inputs(spec_case, dtype);
  const TensorList on_device = to_device(inputs, Device::cuda());
  const RunResult host = run_with_gradients(spec_case.run, to_dtype(inputs, DType::f64), spec.differentiable, 7);
  const double bound = std::max(spec.tolerance.epsilons, is_reduced(dtype) ? 4.0 : 0.0) * epsilon_of(dtype);
  RunResult first;
  for (const int order : lane_orders()) {
    set_lane_order(order);
    const RunResult device = run_with_gradients(spec_case.run, on_device, spec.differentiable, 7);
    const std::string what = fmt::format("{} {} lane order {}", spec_case.name, dtype, order);
    std::string text = compare_lists(what + ", outputs", device.outputs, host.outputs, bound);
    // A gradient adds another pass of the same length, and sums where the output was only chosen or copied.
    text += compare_lists(what + ", gradients", device.grads, host.grads, 3 * std::max(bound, 4 * epsilon_of(dtype)));
    if (order == 0) {
      first = device;
    } else if (text.empty()) {
      text = compare_bits(first, device);
    }
    if (!text.empty()) {
      return text;
    }
  }
  return {};
}

}  // namespace

Outcome check_gradient(const OpSpec& spec) {
  for (const Case* spec_case : selected_cases(spec)) {
    const TensorList inputs = make_inputs(*spec_case, DType::f64);
    if (!has_elements(inputs, spec.differentiable)) {
      run_with_gradients(spec_case->run, inputs, spec.differentiable, 7);  // must not fail
      continue;
    }
    const auto report = autograd::gradcheck(spec_case->run, with_leaves(inputs, spec.differentiable));
    if (!report.is_ok) {
      return failure(spec, fmt::format("{}\n{}", spec_case->name, report.text.substr(0, 2000)));
    }
  }
  return {};
}

namespace {

/// First gradients of a case as a function of its inputs followed by its cotangents, both differentiable.
TensorList first_gradients(const OpSpec& spec, const Case& spec_case, Inputs in) {
  const autograd::HigherOrderGuard keep_inputs;
  const autograd::EnableGradGuard recording;
  const size_t argument_count = spec_case.args.size();
  TensorList arguments;
  std::vector<Tensor> wanted;
  for (size_t i = 0; i < argument_count; ++i) {
    arguments.push_back(in[i]);
    if (is_differentiable(in[i]) &&
        std::find(spec.differentiable.begin(), spec.differentiable.end(), int(i)) != spec.differentiable.end()) {
      if (!in[i].requires_grad()) {
        arguments[int(i)] = in[i].detach().set_requires_grad();
      }
      wanted.push_back(arguments[int(i)]);
    }
  }
  const TensorList outputs = spec_case.run(arguments);
  std::vector<Tensor> used;
  std::vector<Tensor> seeds;
  for (int i = 0; i < outputs.size(); ++i) {
    if (const Tensor& cotangent = in[argument_count + size_t(i)]; cotangent.defined()) {
      used.push_back(outputs[i]);
      seeds.push_back(cotangent);
    }
  }
  TensorList result;
  for (Tensor& grad : autograd::grad(used, wanted, seeds, {.create_graph = true})) {
    result.push_back(std::move(grad));
  }
  return result;
}

}  // namespace

Outcome check_second_gradient(const OpSpec& spec) {
  for (const Case* spec_case : selected_cases(spec)) {
    const TensorList inputs = make_inputs(*spec_case, DType::f64);
    if (!has_elements(inputs, spec.differentiable)) {
      continue;
    }
    TensorList leaves = with_leaves(inputs, spec.differentiable);
    for (const Tensor& cotangent : make_cotangents(spec_case->run(leaves), 11)) {
      leaves.push_back(cotangent.defined() ? cotangent.detach().set_requires_grad() : cotangent);
    }
    const auto function = [&](Inputs in) { return first_gradients(spec, *spec_case, in); };
    const auto report = autograd::gradcheck(function, leaves, {.tolerance = 1e-6});
    if (!report.is_ok) {
      return failure(spec, fmt::format("{}, second order\n{}", spec_case->name, report.text.substr(0, 2000)));
    }
  }
  return {};
}

Outcome check_determinism(const OpSpec& spec) {
  const ThreadCountScope restore;
  const DType dtype = main_dtype(spec);
  for (const Case* spec_case : selected_cases(spec)) {
    const TensorList inputs = make_inputs(*spec_case, dtype);
    RunResult first;
    for (const int threads : {1, 1, 2, 3}) {
      set_num_threads(threads);
      const RunResult result = run_with_gradients(spec_case->run, inputs, spec.differentiable, 7);
      if (first.outputs.empty()) {
        first = result;
        continue;
      }
      if (const std::string text = compare_bits(first, result); !text.empty()) {
        return failure(spec, fmt::format("{} with {} threads: {}", spec_case->name, threads, text));
      }
    }
  }
  return {};
}

Outcome check_device(const OpSpec& spec) {
  if (!spec.has_cuda || std::find(spec.exempt.begin(), spec.exempt.end(), "device") != spec.exempt.end()) {
    return {Outcome::Kind::skipped, fmt::format("{}: has no device form", spec.op)};
  }
  if (cuda::device_count() == 0) {
    return {Outcome::Kind::skipped, fmt::format("{}: no device in this build or machine", spec.op)};
  }
  for (const Case* spec_case : selected_cases(spec)) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      if (has_dtype(spec, dtype)) {
        if (const std::string text = compare_on_device(spec, *spec_case, dtype); !text.empty()) {
          return failure(spec, text);
        }
      }
    }
  }
  return {};
}

}  // namespace lv::specs
