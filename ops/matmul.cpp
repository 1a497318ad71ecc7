#include "ops/matmul.h"

#include <optional>

#include "autograd/basic_ops.h"
#include "autograd/grad_mode.h"
#include "kernels/gemm.h"
#include "kernels/strided.h"
#include "ops/elementwise.h"
#include "ops/elementwise_definitions.h"
#include "ops/matmul_definitions.h"

namespace lv::ops {

using autograd::apply;
using autograd::sum_to;
using autograd::unpack;
using kernels::cref;
using kernels::ref;
using kernels::TensorRef;
using kernels::UnaryFunction;

namespace {

/// All axes but the last `count`.
Dims without_last(const Dims& dims, int count) { return Dims(std::span(dims.begin(), size_t(dims.rank() - count))); }

/// The last two axes exchanged if `transpose`.
Tensor oriented(const Tensor& matrices, bool transpose) {
  return transpose ? matrices.transpose(matrices.rank() - 2, matrices.rank() - 1) : matrices;
}

Tensor multiply(const Tensor& a, const Tensor& b, const Matmul::Options& options, const Tensor& bias = {}) {
  return apply<Matmul>({a, b, bias}, options)[0];
}

std::optional<UnaryFunction> function_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return std::nullopt;
    case Activation::relu:
      return UnaryFunction::relu;
    case Activation::silu:
      return UnaryFunction::silu;
    case Activation::gelu:
      return UnaryFunction::gelu;
    case Activation::gelu_tanh:
      return UnaryFunction::gelu_tanh;
  }
  fail("matmul: unknown activation {}", int(activation));
}

/// The dense bias and, where backward will want it, memory for the results before the activation.
struct Epilogue {
  Tensor bias, before;
  std::optional<UnaryFunction> activation;

  Epilogue(const Context& ctx, const Tensor& given_bias, Activation chosen, const Tensor& c)
      : bias(given_bias.defined() ? ctx.dense(given_bias) : given_bias), activation(function_of(chosen)) {
    if (ctx.is_recorded() && activation && chosen != Activation::relu) {
      before = ctx.new_empty(c.shape(), c.dtype());
    }
  }
};

/// Third of the saved tensors: what the activation's derivative is written with. Then the bias, to come to it again.
void save_epilogue(Context& ctx, const Epilogue& epilogue, const Tensor& c) {
  if (!epilogue.activation) {
    return;
  }
  epilogue.before.defined() ? ctx.save(epilogue.before) : ctx.save_output(c);
  if (epilogue.bias.defined()) {
    ctx.save(epilogue.bias);
  }
}

/// The gradient before the activation. product(bias): the op again, without activation, for derivatives of this one.
template <class Product>
Tensor product_grad(const Context& ctx, const Tensor& grad, Activation activation, const Product& product) {
  const auto function = function_of(activation);
  if (!function) {
    return grad;
  }
  if (autograd::grad_enabled()) {
    const bool has_bias = ctx.input_count() > 2 && ctx.input_shape(2).rank() > 0;
    const Tensor saved = activation == Activation::relu ? ctx.saved(2) : product(has_bias ? ctx.saved(3) : Tensor());
    return detail::unary_gradient_formula(*function, grad, saved, {});
  }
  const Tensor before = ctx.saved(2);
  const Tensor result = ctx.new_empty(grad.shape(), grad.dtype());
  kernels::unary_gradient(
      {.function = *function, .scalars = {}, .grad = cref(grad), .saved = cref(before), .dx = ref(result)},
      ctx.stream());
  return result;
}

void check_dtypes(std::string_view op, const Tensor& a, const Tensor& b) {
  LV_CHECK_DTYPE(is_floating(a.dtype()), "{}: wants floating dtypes, got {}", op, a.dtype());
  LV_CHECK_DTYPE(a.dtype() == b.dtype(), "{}: dtypes differ: {} and {}; cast one of them", op, a.dtype(), b.dtype());
}

/// `x` as [rows, C]: a view, or a copy where the strides of the leading axes do not allow one.
Tensor as_rows(const Context& ctx, const Tensor& x) {
  const int64_t columns = x.size(-1);
  const Shape shape = without_last(x.shape(), 1);
  const Strides strides = without_last(x.strides(), 1);
  const auto loop = kernels::plan_strided<2>(shape, {strides, contiguous_strides(shape)});
  if (loop.rank > 1) {
    return ctx.dense(x).view({loop.count, columns});
  }
  const int64_t stride = loop.rank == 0 ? columns : loop.strides[0][0];
  return x.as_strided({loop.count, columns}, {stride, x.strides().back()}, x.offset());
}

/// For references: the op of that name.
Tensor activated(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return relu(x);
    case Activation::silu:
      return silu(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
  }
  fail("matmul: unknown activation {}", int(activation));
}

void check_bias(std::string_view op, const Tensor& bias, int64_t columns, const Shape& other) {
  LV_CHECK_SHAPE(!bias.defined() || bias.shape() == Shape{columns}, "{}: bias must be [out] = [{}], got {} (weight {})",
                 op, columns, bias.shape(), other);
}

/// The same values as [1, rows, columns]; undefined stays undefined.
Tensor as_one_matrix(const Tensor& x, const Shape& shape) { return x.defined() ? x.view({1, shape[0], shape[1]}) : x; }

/// c = activation(a b + bias) for two matrices.
void multiply_into(const Context& ctx, const Tensor& a, const Tensor& b, const Epilogue& epilogue, const Tensor& c) {
  const Shape shape{a.size(0), b.size(1)};
  kernels::gemm({.a = cref(a.unsqueeze(0)),
                 .b = cref(b.unsqueeze(0)),
                 .bias = cref(epilogue.bias),
                 .c = ref(as_one_matrix(c, shape)),
                 .activation = epilogue.activation,
                 .before = ref(as_one_matrix(epilogue.before, shape))},
                ctx.stream());
}

}  // namespace

// matmul

OutputSpecs Matmul::infer(Inputs in, const Options& options) {
  const Shape& a = in[0].shape();
  const Shape& b = in[1].shape();
  check_dtypes(kName, in[0], in[1]);
  LV_CHECK_SHAPE(a.rank() >= 2 && b.rank() >= 2, "matmul: wants at least two axes each, got {} and {}", a, b);
  const Shape left = oriented(in[0], options.transpose_a).shape();
  const Shape right = oriented(in[1], options.transpose_b).shape();
  LV_CHECK_SHAPE(left.back() == right[right.rank() - 2], "matmul: inner sizes differ: {} x {}", left, right);
  Shape shape = broadcast_shapes(without_last(left, 2), without_last(right, 2), kName);
  shape.push_back(left[left.rank() - 2]);
  shape.push_back(right.back());
  if (in.size() > 2 && in[2].defined()) {
    check_dtypes(kName, in[0], in[2]);
    check_bias(kName, in[2], right.back(), right);
  }
  return {{shape, in[0].dtype()}};
}

TensorList Matmul::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor c = ctx.new_output();
  const Epilogue epilogue(ctx, in.size() > 2 ? in[2] : Tensor(), options.activation, c);
  ctx.save(in[0]);
  ctx.save(in[1]);
  save_epilogue(ctx, epilogue, c);
  const Tensor left = oriented(in[0], options.transpose_a);
  const Tensor right = oriented(in[1], options.transpose_b);
  if (right.rank() == 2 && !options.transpose_a) {  // one product with all rows
    multiply_into(ctx, as_rows(ctx, left), right, epilogue, c);
    return {c};
  }
  const Shape batch = without_last(c.shape(), 2);
  const auto expanded = [&](const Tensor& matrices) {
    Shape shape = batch;
    shape.push_back(matrices.size(-2));
    shape.push_back(matrices.size(-1));
    return matrices.expand(shape);
  };
  const Tensor a = expanded(left);
  const Tensor b = expanded(right);
  // Batch axes that merge in all three arrays become the kernel's one; the others are walked here.
  const auto loop = kernels::plan_strided<3>(
      batch, {without_last(a.strides(), 2), without_last(b.strides(), 2), without_last(c.strides(), 2)});
  const int inner = std::max(loop.rank - 1, 0);
  const int64_t count = loop.rank == 0 ? loop.count : loop.sizes[inner];
  const Tensor& before = epilogue.before;
  const auto matrices_at = [&](const Tensor& x, int64_t stride, int64_t offset) {
    return x.as_strided({count, x.size(-2), x.size(-1)}, {stride, x.strides()[x.rank() - 2], x.strides().back()},
                        x.offset() + offset);
  };
  for (int64_t first = 0; first < loop.count; first += count) {
    int64_t at[3];
    loop.offsets(first, at);
    kernels::gemm({.a = cref(matrices_at(a, loop.strides[0][inner], at[0])),
                   .b = cref(matrices_at(b, loop.strides[1][inner], at[1])),
                   .bias = cref(epilogue.bias),
                   .c = ref(matrices_at(c, loop.strides[2][inner], at[2])),
                   .activation = epilogue.activation,
                   .before = before.defined() ? ref(matrices_at(before, loop.strides[2][inner], at[2])) : TensorRef{}},
                  ctx.stream());
  }
  return {c};
}

TensorList Matmul::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor a = ctx.saved(0);
  const Tensor b = ctx.saved(1);
  const auto [transpose_a, transpose_b, activation] = options;
  const Tensor grad = product_grad(ctx, grads[0], activation, [&](const Tensor& bias) {
    return multiply(a, b, {.transpose_a = options.transpose_a, .transpose_b = options.transpose_b}, bias);
  });
  TensorList result(ctx.input_count());
  if (ctx.needs_grad(0)) {
    const Tensor da = transpose_a ? multiply(b, grad, {.transpose_a = transpose_b, .transpose_b = true})
                                  : multiply(grad, b, {.transpose_b = !transpose_b});
    result[0] = sum_to(da, a.shape());
  }
  if (ctx.needs_grad(1)) {
    if (b.rank() == 2 && !transpose_a) {  // b met the rows of the whole batch
      result[1] = transpose_b ? outer_sum(grad, a) : outer_sum(a, grad);
    } else {
      const Tensor db = transpose_b ? multiply(grad, a, {.transpose_a = true, .transpose_b = transpose_a})
                                    : multiply(a, grad, {.transpose_a = !transpose_a});
      result[1] = sum_to(db, b.shape());
    }
  }
  if (ctx.input_count() > 2 && ctx.needs_grad(2)) {
    result[2] = sum_to(grad, ctx.input_shape(2));
  }
  return result;
}

TensorList Matmul::reference(Inputs in, const Options& options) {
  const Shape shape = infer(in, options)[0].shape;
  const Shape batch = without_last(shape, 2);
  const auto operand = [&](const Tensor& matrices, bool transpose) {
    const Tensor matrix = oriented(matrices.to(DType::f64), transpose);
    Shape expanded = batch;
    expanded.push_back(matrix.size(-2));
    expanded.push_back(matrix.size(-1));
    return matrix.expand(expanded).contiguous();
  };
  const Tensor a = operand(in[0], options.transpose_a);
  const Tensor b = operand(in[1], options.transpose_b);
  const Tensor c = Tensor::zeros(shape, DType::f64);
  if (in.size() > 2 && in[2].defined()) {
    c.copy_from(in[2].expand(shape));
  }
  const int64_t m = a.size(-2);
  const int64_t depth = a.size(-1);
  const int64_t n = b.size(-1);
  for (int64_t row = 0; row < numel(batch) * m; ++row) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t j = 0; j < n; ++j) {
        c.data<double>()[row * n + j] +=
            a.data<double>()[row * depth + k] * b.data<double>()[(row / m * depth + k) * n + j];
      }
    }
  }
  return {activated(c, options.activation).to(in[0].dtype())};
}

Tensor matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation) {
  return multiply(a, b, {.activation = activation}, bias);
}

// linear

OutputSpecs Linear::infer(Inputs in, const Options&) {
  const auto& [x, weight, bias] = unpack<3>(in);
  check_dtypes(kName, x, weight);
  LV_CHECK_SHAPE(weight.rank() == 2, "linear: weight must be [out, in], got {} (x {})", weight.shape(), x.shape());
  LV_CHECK_SHAPE(x.rank() >= 2 && x.size(-1) == weight.size(1),
                 "linear: x must be [.., rows, in] = [.., rows, {}], got {} (weight {})", weight.size(1), x.shape(),
                 weight.shape());
  if (bias.defined()) {
    check_dtypes(kName, x, bias);
    check_bias(kName, bias, weight.size(0), weight.shape());
  }
  Shape shape = x.shape();
  shape[shape.rank() - 1] = weight.size(0);
  return {{shape, x.dtype()}};
}

TensorList Linear::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const Tensor y = ctx.new_output();
  const Epilogue epilogue(ctx, bias, options.activation, y);
  ctx.save(x);
  ctx.save(weight);
  save_epilogue(ctx, epilogue, y);
  multiply_into(ctx, as_rows(ctx, x), weight.transpose(0, 1), epilogue, y);
  return {y};
}

TensorList Linear::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor grad = product_grad(ctx, grads[0], options.activation,
                                   [&](const Tensor& bias) { return linear(ctx.saved(0), ctx.saved(1), bias); });
  TensorList result(ctx.input_count());
  if (ctx.needs_grad(0)) {
    result[0] = matmul(grad, ctx.saved(1));
  }
  if (ctx.needs_grad(1)) {
    result[1] = outer_sum(grad, ctx.saved(0));
  }
  if (ctx.input_count() > 2 && ctx.needs_grad(2)) {
    result[2] = sum_to(grad, ctx.input_shape(2));
  }
  return result;
}

TensorList Linear::reference(Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const auto x_values = x.to(DType::f64).to_vector<double>();
  const auto w_values = weight.to(DType::f64).to_vector<double>();
  const int64_t depth = weight.size(1);
  const int64_t columns = weight.size(0);
  const Tensor y = Tensor::zeros(infer(in, options)[0].shape, DType::f64);
  if (bias.defined()) {
    y.copy_from(bias.expand(y.shape()));
  }
  for (int64_t i = 0; i < y.numel(); ++i) {
    for (int64_t k = 0; k < depth; ++k) {
      y.data<double>()[i] += x_values[size_t(i / columns * depth + k)] * w_values[size_t(i % columns * depth + k)];
    }
  }
  return {activated(y, options.activation).to(x.dtype())};
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  return apply<Linear>({x, weight, bias}, {activation})[0];
}

// outer_sum

OutputSpecs OuterSum::infer(Inputs in, const Options&) {
  const Shape& u = in[0].shape();
  const Shape& v = in[1].shape();
  check_dtypes(kName, in[0], in[1]);
  LV_CHECK_SHAPE(u.rank() >= 2 && v.rank() >= 2 && without_last(u, 1) == without_last(v, 1),
                 "outer_sum: u and v must be [.., rows, columns] with equal leading axes, got {} and {}", u, v);
  return {{{u.back(), v.back()}, in[0].dtype()}};
}

TensorList OuterSum::forward(Context& ctx, Inputs in, const Options&) {
  ctx.save(in[0]);
  ctx.save(in[1]);
  const Tensor y = ctx.new_output();
  multiply_into(ctx, as_rows(ctx, in[0]).transpose(0, 1), as_rows(ctx, in[1]), {ctx, {}, Activation::none, y}, y);
  return {y};
}

TensorList OuterSum::backward(Context& ctx, Inputs grads, const Options&) {
  TensorList result(2);
  if (ctx.needs_grad(0)) {
    result[0] = linear(ctx.saved(1), grads[0]);
  }
  if (ctx.needs_grad(1)) {
    result[1] = matmul(ctx.saved(0), grads[0]);
  }
  return result;
}

TensorList OuterSum::reference(Inputs in, const Options&) {
  const auto u = in[0].to(DType::f64).to_vector<double>();
  const auto v = in[1].to(DType::f64).to_vector<double>();
  const Tensor y = Tensor::zeros(infer(in, {})[0].shape, DType::f64);
  const int64_t p = y.size(0);
  const int64_t q = y.size(1);
  const int64_t rows = p > 0 ? in[0].numel() / p : 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < p * q; ++i) {
      y.data<double>()[i] += u[size_t(row * p + i / q)] * v[size_t(row * q + i % q)];
    }
  }
  return {y.to(in[0].dtype())};
}

Tensor outer_sum(const Tensor& u, const Tensor& v) { return apply<OuterSum>({u, v})[0]; }

}  // namespace lv::ops
