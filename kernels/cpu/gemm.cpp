#include "kernels/gemm.h"

#include "kernels/copy.h"
#include "kernels/cpu/gather_product.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/outer_product.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"
#include "kernels/simd/normal.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

struct DenseLeftTag;

template <class T>
using Activate = void (*)(const T* from, T* to, int64_t count);

template <class F, class T>
void activate(const T* from, T* to, int64_t count) {
  using V = simd::Vec<simd::Lane<T>>;
  simd::map(count, to, [](V v) { return F::value(v, Scalars<V>{}); }, from);
}

/// nullptr for none and for ReLU, which products have built in.
template <class T>
Activate<T> activation_of(const std::optional<UnaryFunction>& function) {
  if (!function || function == UnaryFunction::relu) {
    return nullptr;
  }
  switch (*function) {
    case UnaryFunction::silu:
      return activate<cell::Silu, T>;
    case UnaryFunction::gelu:
      return activate<cell::Gelu, T>;
    case UnaryFunction::gelu_tanh:
      return activate<cell::GeluTanh, T>;
    default:
      fail("matmul: {} is no activation of a product", kUnaryNames[size_t(*function)]);
  }
}

/// c [m, n] = activation(a b + bias) for one matrix of a batch.
template <class T>
struct Product {
  const T* a;
  const T* b;
  const T* bias;
  T* c;
  T* before;  // may be nullptr
  Activate<T> activate;
  bool relu;
  int64_t m, n, depth;
  int64_t a_row, a_step, b_step, b_column;  // elements between rows of a, steps of the depth, columns of b
  int64_t tasks;                            // into which the product is cut for the threads
};

/// Rows of a with its depth contiguous.
template <class M, class T>
void multiply_by_rows(const Product<T>& product) {
  const GatherShape shape{.images = 1,
                          .lines = 1,
                          .columns = product.m,
                          .in_lines = 1,
                          .in_columns = product.m,
                          .taps = {{0, 0}},
                          .in_pixel = product.a_row,
                          .out_image = 0,
                          .out_line = 0,
                          .out_pixel = product.n};
  const int64_t tap = 0;
  GatherProduct<M, T> rows(shape, product.a,
                           {.data = product.b,
                            .taps = {&tap, 1},
                            .depth = product.depth,
                            .columns = product.n,
                            .depth_step = product.b_step,
                            .column_step = product.b_column},
                           product.bias, product.c);
  rows.set_activation(product.activate, product.before);
  rows.set_finish(nullptr, product.relu);
  rows.run(product.tasks);
}

template <class M, class T>
void multiply(Product<T> product) {
  if (product.a_step == 1 || product.depth <= 1) {
    multiply_by_rows<M>(product);
  } else if (product.a_row == 1 && product.b_column == 1 && product.bias == nullptr && product.activate == nullptr &&
             !product.relu) {
    outer_product<M>(product.a, product.a_step, product.m, product.b, product.b_step, product.n, product.depth,
                     product.c);
  } else {
    T* dense = thread_scratch<DenseLeftTag, T>(size_t(product.m * product.depth));
    const Shape shape{product.m, product.depth};
    cpu::copy({.x = {product.a, shape, {product.a_row, product.a_step}, kDTypeOf<T>},
               .y = {{dense, shape, contiguous_strides(shape), kDTypeOf<T>}}});
    product.a = dense;
    product.a_row = product.depth;
    multiply_by_rows<M>(product);
  }
}

}  // namespace

void gemm(const GemmArgs& args) {
  const Strides& a = args.a.strides;
  const Strides& b = args.b.strides;
  const int64_t m = args.c.size(1);
  const int64_t n = args.c.size(2);
  // Many products are spread over the threads, each as a whole; few are cut inside.
  constexpr int64_t kMany = 8;
  constexpr int64_t kTasks = 16;
  const int64_t count = m * n == 0 ? 0 : args.c.size(0);
  visit_product_math(args.c.dtype, "matmul", [&]<class T, class M>() {
    const Activate<T> activate = activation_of<T>(args.activation);
    const auto multiply_one = [&](int64_t i, int64_t) {
      multiply<M, T>({.a = args.a.as<T>() + i * a[0],
                      .b = args.b.as<T>() + i * b[0],
                      .bias = args.bias.as<T>(),
                      .c = args.c.as<T>() + i * m * n,
                      .before = args.before.defined() ? args.before.as<T>() + i * m * n : nullptr,
                      .activate = activate,
                      .relu = args.activation == UnaryFunction::relu,
                      .m = m,
                      .n = n,
                      .depth = args.a.size(2),
                      .a_row = a[1],
                      .a_step = a[2],
                      .b_step = b[1],
                      .b_column = b[2],
                      .tasks = count >= kMany ? 1 : kTasks});
    };
    if (count >= kMany) {
      parallel_for(count, 1, multiply_one);
    } else {
      for (int64_t i = 0; i < count; ++i) {
        multiply_one(i, i + 1);
      }
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(gemm, GemmArgs)
