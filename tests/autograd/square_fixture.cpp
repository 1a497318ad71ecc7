#include "autograd/basic_ops.h"
#include "autograd/function.h"
#include "ops/matmul.h"
#include "tests/autograd/square.h"

namespace lv::test {

namespace {

using autograd::Context;
using autograd::Inputs;

struct SquareOptions {
  double slope;
};

struct Square {
  static constexpr std::string_view kName = "square";
  static constexpr auto kCast = autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = autograd::SecondOrder::reference;
  using Options = SquareOptions;

  static autograd::OutputSpecs infer(Inputs in, const Options&) { return {{in[0].shape(), in[0].dtype()}}; }
  static TensorList forward(Context& ctx, Inputs in, const Options&) {
    ctx.save(in[0]);
    return {multiply(in[0], in[0], 1.0)};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options& options) {
    return {multiply(ctx.saved(0), grads[0], options.slope)};
  }
  /// For one element: a product of matrices, which is differentiable.
  static TensorList reference(Inputs in, const Options&) {
    const Tensor matrix = autograd::expand(in[0], {1, 1});
    return {autograd::sum_to(ops::matmul(matrix, matrix), in[0].shape())};
  }

 private:
  static Tensor multiply(const Tensor& a, const Tensor& b, double factor) {
    const std::vector<double> x = a.to(DType::f64).to_vector<double>();
    std::vector<double> y = b.to(DType::f64).to_vector<double>();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] *= factor * x[i];
    }
    return Tensor::from(y, a.shape()).to(a.dtype());
  }
};

}  // namespace

Tensor square(const Tensor& x) { return autograd::apply<Square>({x}, {2.0})[0]; }
Tensor square_with_wrong_backward(const Tensor& x) { return autograd::apply<Square>({x}, {3.0})[0]; }

}  // namespace lv::test
