#include "autograd/gradcheck.h"

#include <cmath>
#include <numeric>
#include <random>

#include "autograd/engine.h"
#include "autograd/grad_mode.h"

namespace lv::autograd {

namespace {

Tensor random_like(const Tensor& tensor, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::vector<double> values(static_cast<size_t>(tensor.numel()));
  for (double& value : values) {
    value = uniform(random);
  }
  return Tensor::from(values, tensor.shape()).to(tensor.device());
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

class Gradcheck {
 public:
  Gradcheck(const std::function<TensorList(Inputs)>& function, Inputs inputs, const GradcheckOptions& options)
      : function_(function), options_(options), random_(options.seed) {
    for (const Tensor& input : inputs) {
      inputs_.push_back(input.defined() ? input.detach() : input);
      is_checked_.push_back(input.defined() && input.requires_grad());
    }
  }

  GradcheckReport run() {
    differentiate();
    for (int i = 0; i < inputs_.size(); ++i) {
      if (is_checked_[size_t(i)]) {
        check_input(i);
      }
    }
    return std::move(report_);
  }

 private:
  void differentiate() {
    TensorList leaves;
    std::vector<Tensor> wanted;
    for (int i = 0; i < inputs_.size(); ++i) {
      leaves.push_back(inputs_[i]);
      if (is_checked_[size_t(i)]) {
        LV_CHECK_DTYPE(inputs_[i].dtype() == DType::f64, "gradcheck: input {} must be f64, got {}", i,
                       inputs_[i].dtype());
        leaves[i] = inputs_[i].detach().set_requires_grad();
        wanted.push_back(leaves[i]);
      }
    }
    const TensorList outputs = function_(leaves);
    std::vector<Tensor> used;
    std::vector<Tensor> seeds;
    for (const Tensor& output : outputs) {
      const bool counts = output.defined() && output.requires_grad();
      cotangents_.push_back(counts ? random_like(output, random_) : Tensor{});
      if (counts) {
        used.push_back(output);
        seeds.push_back(cotangents_[cotangents_.size() - 1]);
      }
    }
    LV_CHECK(!used.empty(), "gradcheck: no output depends on an input that requires a gradient");
    std::vector<Tensor> found = grad(used, wanted, seeds);
    size_t next = 0;
    for (int i = 0; i < inputs_.size(); ++i) {
      grads_.push_back({});
      if (is_checked_[size_t(i)]) {
        const Tensor& g = found[next++];
        grads_[i] = g.defined() ? g.to(Device::cpu()).contiguous() : Tensor::zeros(inputs_[i].shape(), DType::f64);
      }
    }
  }

  /// <outputs, cotangents> with input `which` moved by `distance` along `direction`.
  double scalar_at(int which, const std::vector<double>& direction, double distance) {
    const NoGradGuard no_grad;
    TensorList moved = inputs_;
    std::vector<double> values = inputs_[which].to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] += distance * direction[i];
    }
    moved[which] = Tensor::from(values, inputs_[which].shape()).to(inputs_[which].device());
    const TensorList outputs = function_(moved);
    double sum = 0;
    for (int i = 0; i < outputs.size(); ++i) {
      if (cotangents_[i].defined()) {
        sum += dot(outputs[i].to_vector<double>(), cotangents_[i].to_vector<double>());
      }
    }
    return sum;
  }

  double numeric(int which, const std::vector<double>& direction) {
    const double h = options_.step;
    const double near = scalar_at(which, direction, h) - scalar_at(which, direction, -h);
    const double far = scalar_at(which, direction, 2 * h) - scalar_at(which, direction, -2 * h);
    return (8 * near - far) / (12 * h);
  }

  void compare(int which, const std::string& where, double analytic, double expected, double scale) {
    const double error = std::abs(analytic - expected) / std::max(scale, 1e-6);
    report_.worst_error = std::max(report_.worst_error, error);
    if (!(error <= options_.tolerance)) {
      report_.is_ok = false;
      report_.text += fmt::format("input {} {}: backward gives {:.10g}, central difference {:.10g} (relative {:.2g})\n",
                                  which, where, analytic, expected, error);
    }
  }

  void check_input(int which) {
    const std::vector<double> g = grads_[which].to_vector<double>();
    double largest = 0;
    for (const double value : g) {
      largest = std::max(largest, std::abs(value));
    }
    std::vector<double> direction(g.size(), 0.0);
    if (int64_t(g.size()) <= options_.max_elements) {
      for (size_t i = 0; i < g.size(); ++i) {
        direction[i] = 1.0;
        compare(which, fmt::format("element {}", i), g[i], numeric(which, direction), std::max(largest, 1e-3));
        direction[i] = 0.0;
      }
    }
    for (int k = 0; k < options_.directions && !g.empty(); ++k) {
      direction = random_like(inputs_[which], random_).to_vector<double>();
      compare(which, fmt::format("direction {}", k), dot(g, direction), numeric(which, direction),
              std::max(std::sqrt(dot(g, g)), 1e-3));
    }
  }

  const std::function<TensorList(Inputs)>& function_;
  GradcheckOptions options_;
  std::mt19937_64 random_;
  TensorList inputs_;
  std::vector<bool> is_checked_;
  TensorList cotangents_;
  TensorList grads_;
  GradcheckReport report_;
};

}  // namespace

GradcheckReport gradcheck(const std::function<TensorList(Inputs)>& function, Inputs inputs,
                          const GradcheckOptions& options) {
  return Gradcheck(function, inputs, options).run();
}

}  // namespace lv::autograd
