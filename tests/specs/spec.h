#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/function.h"

// One OpSpec an op: sample cases, error cases, tolerance, cost. Tests and benchmarks are generated from it (harness.h).

namespace lv::specs {

using autograd::Inputs;

/// How the values of an argument are drawn.
enum class Fill : uint8_t {
  uniform,   // floats in [low, high)
  distinct,  // floats from low up in steps of at least 0.02, shuffled: for sorting and maxima
  integers,  // whole numbers in [low, high)
  absent,    // an optional tensor that is left out
};

/// One input of a case. Floating arguments take the dtype under test; `dtype` fixes another (indices, masks).
struct Arg {
  Shape shape = {};
  Fill fill = Fill::uniform;
  double low = -1.0;
  double high = 1.0;
  std::optional<DType> dtype = std::nullopt;
  std::vector<double> avoid = {};  // kinks of the function: values are pushed at least 0.05 away from these
};

Arg floats(const Shape& shape, double low = -1.0, double high = 1.0);
Arg positive(const Shape& shape);
Arg distinct(const Shape& shape);
/// Floats that keep away from the points where the function has no derivative.
Arg avoiding(const Shape& shape, std::vector<double> kinks, double low = -1.0, double high = 1.0);
/// int64 values in [low, high).
Arg integers(const Shape& shape, int64_t low, int64_t high);
Arg mask(const Shape& shape);
Arg absent();

/// Work of one call, for GB/s, GFLOP/s and the share of the machine's limits.
struct Cost {
  double bytes = 0;
  double flops = 0;
};

/// Bound on max|a - reference| / max|reference|, as a multiple of the dtype's epsilon.
struct Tolerance {
  double epsilons = 4;

  /// Selections and copies: bit for bit.
  static Tolerance exact() { return {0}; }
  /// A few roundings each element.
  static Tolerance elementwise() { return {4}; }
  /// Sums of `terms` products: rounding errors add like a random walk, with a factor 4 of reserve.
  static Tolerance accumulate(double terms);
};

struct Case {
  std::string name;
  std::vector<Arg> args;
  std::function<TensorList(Inputs)> run;
  std::function<TensorList(Inputs)> reference;
  std::function<Cost(Inputs, Inputs)> cost;  // (inputs, outputs)
};

struct ErrorCase {
  std::vector<Arg> args;
  std::function<TensorList(Inputs)> run;
  std::string expected;  // part of the message
};

struct OpSpec {
  std::string op;
  std::vector<Case> cases;
  std::vector<Case> benchmarks;  // timed only, not tested
  std::vector<ErrorCase> errors;
  std::vector<int> differentiable;  // inputs with a gradient
  std::vector<DType> dtypes = {DType::f32, DType::f64, DType::bf16, DType::f16};
  Tolerance tolerance;
  bool is_twice_differentiable = false;
  bool has_cuda = true;
  std::vector<std::string>
      exempt;  // "empty", "odd", "tail", "layouts": why such a case cannot exist is said in the spec
};

std::vector<OpSpec>& all_specs();

/// Fills an OpSpec from an op's static functions.
template <class Op>
class SpecBuilder {
 public:
  using Options = typename Op::Options;

  explicit SpecBuilder(OpSpec& spec) : spec_(spec) { spec_.op = Op::kName; }

  /// `name` is the shape part of "op/shape/dtype/pass", for example "N2_C7_5x3_k3".
  SpecBuilder& add(std::string name, std::vector<Arg> args, const Options& options = {}) {
    spec_.cases.push_back(make_case(std::move(name), std::move(args), options));
    return *this;
  }
  SpecBuilder& benchmark(std::string name, std::vector<Arg> args, const Options& options = {}) {
    spec_.benchmarks.push_back(make_case(std::move(name), std::move(args), options));
    return *this;
  }
  SpecBuilder& error(std::string expected, std::vector<Arg> args, const Options& options = {}) {
    spec_.errors.push_back({std::move(args), runner(options), std::move(expected)});
    return *this;
  }
  SpecBuilder& differentiable(std::vector<int> inputs) {
    spec_.differentiable = std::move(inputs);
    return *this;
  }
  SpecBuilder& twice_differentiable() {
    spec_.is_twice_differentiable = true;
    return *this;
  }
  SpecBuilder& tolerance(Tolerance tolerance) {
    spec_.tolerance = tolerance;
    return *this;
  }
  SpecBuilder& dtypes(std::vector<DType> dtypes) {
    spec_.dtypes = std::move(dtypes);
    return *this;
  }
  /// (inputs, outputs, options) -> Cost; without it bytes are those of all inputs and outputs.
  SpecBuilder& cost(std::function<Cost(Inputs, Inputs, const Options&)> cost) {
    cost_ = std::move(cost);
    return *this;
  }
  /// Leaves out a kind of case that this op cannot have.
  SpecBuilder& exempt(std::string what, [[maybe_unused]] std::string_view reason) {
    spec_.exempt.push_back(std::move(what));
    return *this;
  }

 private:
  static std::function<TensorList(Inputs)> runner(const Options& options) {
    return [options](Inputs in) { return autograd::apply<Op>(in, options); };
  }
  Case make_case(std::string name, std::vector<Arg> args, const Options& options) {
    return {std::move(name), std::move(args), runner(options),
            [options](Inputs in) { return Op::reference(in, options); },
            [options, cost = cost_](Inputs in, Inputs out) {
              return cost ? cost(in, out, options) : default_cost(in, out);
            }};
  }
  static Cost default_cost(Inputs in, Inputs out) {
    Cost cost;
    for (const Inputs tensors : {in, out}) {
      for (const Tensor& tensor : tensors) {
        cost.bytes += tensor.defined() ? double(tensor.size_bytes()) : 0.0;
      }
    }
    return cost;
  }

  OpSpec& spec_;
  std::function<Cost(Inputs, Inputs, const Options&)> cost_;
};

struct SpecRegistrar {
  template <class Op>
  SpecRegistrar(void (*define)(SpecBuilder<Op>&)) {  // NOLINT(google-explicit-constructor)
    OpSpec spec;
    SpecBuilder<Op> builder(spec);
    define(builder);
    all_specs().push_back(std::move(spec));
  }
};

}  // namespace lv::specs

/// Defines the spec of an op: `LV_OP_SPEC(Softmax) { spec.add(...); }`. Set the cost before adding cases.
/// The priority makes every spec known before a test framework collects its tests.
#define LV_OP_SPEC(Op)                                                 \
  static void define_spec_of_##Op(::lv::specs::SpecBuilder<Op>& spec); \
  static const ::lv::specs::SpecRegistrar registrar_of_##Op            \
      __attribute__((init_priority(2000))){&define_spec_of_##Op};      \
  static void define_spec_of_##Op([[maybe_unused]] ::lv::specs::SpecBuilder<Op>& spec)
