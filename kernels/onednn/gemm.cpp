#include "kernels/onednn/gemm.h"

#include <array>
#include <bit>
#include <optional>

#include "core/parallel.h"
#include "kernels/onednn/library.h"
#include "kernels/sum_parts.h"

namespace lv::kernels::onednn {

namespace {

using Desc = dnnl::memory::desc;

/// A matrix with one contiguous axis: element (i, j) at i * step + j, or at j * step + i when transposed.
struct Layout {
  bool transposed = false;
  int64_t step = 0;

  /// Absent when the library does not take the strides.
  static std::optional<Layout> of(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1)) {
      return Layout{false, rows == 1 ? columns : row_stride};
    }
    if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1)) {
      return Layout{true, columns == 1 ? rows : column_stride};
    }
    return std::nullopt;
  }

  [[nodiscard]] int64_t offset(int64_t i, int64_t j) const { return transposed ? j * step + i : i * step + j; }
  [[nodiscard]] Desc desc(int64_t rows, int64_t columns, DType dtype) const {
    return {{rows, columns}, data_type(dtype), transposed ? dnnl::memory::dims{1, step} : dnnl::memory::dims{step, 1}};
  }
};

/// Sizes of one product: a part of the rows, columns and depth of one matrix.
struct Block {
  int64_t m, n, k;
};

struct Problem {
  Layout a, b;
  int64_t c_step;
  DType dtype;    // of a, b and the bias
  DType c_dtype;  // f32 for partial sums
  bool has_bias;
};

/// A prepared product; not fast, and empty, where the library has reference loops only.
struct Product {
  dnnl::matmul primitive;
  Desc a, b, bias, c, scratchpad;
  bool is_fast = false;
};

std::shared_ptr<const Product> prepare(const Problem& problem, const Block& block) {
  auto product = std::make_shared<Product>();
  product->a = problem.a.desc(block.m, block.k, problem.dtype);
  product->b = problem.b.desc(block.k, block.n, problem.dtype);
  product->c = Layout{false, problem.c_step}.desc(block.m, block.n, problem.c_dtype);
  product->bias = problem.has_bias ? Layout{false, block.n}.desc(1, block.n, problem.dtype) : Desc();
  const auto desc = problem.has_bias ? dnnl::matmul::desc(product->a, product->b, product->bias, product->c)
                                     : dnnl::matmul::desc(product->a, product->b, product->c);
  const dnnl::matmul::primitive_desc primitive(desc, attributes(), engine(), /*allow_empty=*/true);
  if (primitive && is_optimised(primitive.impl_info_str())) {
    product->primitive = dnnl::matmul(primitive);
    product->scratchpad = primitive.scratchpad_desc();
    product->is_fast = true;
  }
  return product;
}

std::shared_ptr<const Product> prepared(const Problem& problem, const Block& block) {
  using Key = std::array<int64_t, 7>;
  static PrimitiveCache<Key, Product> cache;
  const int64_t flags = int64_t(problem.a.transposed) | int64_t(problem.b.transposed) << 1 |
                        int64_t(problem.has_bias) << 2 | int64_t(problem.dtype) << 3 | int64_t(problem.c_dtype) << 8;
  return cache.get(Key{block.m, block.n, block.k, problem.a.step, problem.b.step, problem.c_step, flags},
                   [&] { return prepare(problem, block); });
}

/// f32 products with a transposed left side (weight gradients): the library's BLAS form copies that side faster, 219
/// against 170 GFLOP/s for 64 x 100,352 x 256 on a Zen 5 core.
bool prefers_sgemm(const Problem& problem) {
  return problem.dtype == DType::f32 && problem.a.transposed && !problem.has_bias;
}

/// Addresses of a product's first elements; bias may be nullptr.
struct Operands {
  const std::byte* a;
  const std::byte* b;
  const std::byte* bias;
  std::byte* c;
};

void multiply(const Problem& problem, const Block& block, const Operands& at) {
  const OneThread one_thread;
  if (prefers_sgemm(problem)) {
    const dnnl_status_t status =
        dnnl_sgemm('T', problem.b.transposed ? 'T' : 'N', block.m, block.n, block.k, 1.0F,
                   reinterpret_cast<const float*>(at.a), problem.a.step, reinterpret_cast<const float*>(at.b),
                   problem.b.step, 0.0F, reinterpret_cast<float*>(at.c), problem.c_step);
    LV_CHECK(status == dnnl_success, "matmul: dnnl_sgemm failed with status {}", int(status));
    return;
  }
  const auto product = prepared(problem, block);
  const dnnl::stream stream(engine());
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, memory_at(product->a, at.a)},
                                                  {DNNL_ARG_WEIGHTS, memory_at(product->b, at.b)},
                                                  {DNNL_ARG_DST, memory_at(product->c, at.c)},
                                                  {DNNL_ARG_SCRATCHPAD, scratchpad(product->scratchpad)}};
  if (problem.has_bias) {
    arguments.emplace(DNNL_ARG_BIAS, memory_at(product->bias, at.bias));
  }
  product->primitive.execute(stream, arguments);
}

bool is_fast(const Problem& problem, const Block& block) {
  return prefers_sgemm(problem) || prepared(problem, block)->is_fast;
}

/// Parts of an axis: a power of two of about equal ones, at most `most`.
struct Parts {
  int64_t size;
  int64_t count;

  static Parts of(int64_t extent, int64_t wanted_size, int64_t most) {
    const auto wanted = int64_t(std::bit_ceil(uint64_t(chunk_count(extent, wanted_size))));
    const int64_t size = chunk_count(extent, std::min(wanted, most));
    return {size, chunk_count(extent, size)};
  }
};

/// How a product is cut into tasks; a function of its sizes only.
struct Grid {
  Parts rows;
  Parts columns;
  Parts depth;

  static Grid of(int64_t batch, const Block& whole, int64_t depth_parts) {
    constexpr int64_t kSide = 256;  // below, copies of the operands cost more than threads gain
    constexpr int64_t kEnough = 8;  // tasks, before columns are cut too
    const int64_t most = std::clamp<int64_t>(whole.m * whole.n * whole.k >> 20, 1, 64);
    const Parts rows = Parts::of(whole.m, kSide, most);
    const Parts columns = Parts::of(whole.n, kSide, std::min(most, chunk_count(kEnough, batch * rows.count)));
    const int64_t depth = chunk_count(whole.k, depth_parts);
    return {rows, columns, {depth, chunk_count(whole.k, depth)}};
  }
};

/// Products with fewer multiplications are left to the blocked kernel, which has less to prepare.
constexpr int64_t kMinProducts = 16384;

}  // namespace

bool try_gemm(const GemmArgs& args) {
  const Block whole{args.c.size(1), args.c.size(2), args.a.size(2)};
  const auto a = Layout::of(whole.m, whole.k, args.a.strides[1], args.a.strides[2]);
  const auto b = Layout::of(whole.k, whole.n, args.b.strides[1], args.b.strides[2]);
  const int64_t batch = args.c.size(0);
  if (!has_fast_kernels(args.c.dtype) || !a || !b || batch == 0 || whole.m * whole.n * whole.k < kMinProducts) {
    return false;
  }
  const bool has_partials = args.partials.defined();
  const Problem problem{.a = *a,
                        .b = *b,
                        .c_step = whole.n,
                        .dtype = args.c.dtype,
                        .c_dtype = has_partials ? DType::f32 : args.c.dtype,
                        .has_bias = args.bias.defined()};
  const auto [rows, columns, depth] = Grid::of(batch, whole, has_partials ? args.partials.size(0) : 1);
  if (!is_fast(problem, {rows.size, columns.size, depth.size})) {
    return false;
  }
  const TensorRef& target = has_partials ? args.partials : args.c;
  const int64_t bytes = size_bytes(args.c.dtype);
  const auto run_task = [&, rows = rows, columns = columns, depth = depth](int64_t task) {
    const int64_t j = task % columns.count * columns.size;
    const int64_t i = task / columns.count % rows.count * rows.size;
    const int64_t slab = task / (columns.count * rows.count);  // of the depth, or of the batch
    const int64_t k = slab % depth.count * depth.size;
    const int64_t matrix = slab / depth.count;
    const auto* bias = args.bias.as<std::byte>();
    multiply(problem,
             {std::min(rows.size, whole.m - i), std::min(columns.size, whole.n - j), std::min(depth.size, whole.k - k)},
             {.a = args.a.as<std::byte>() + (matrix * args.a.strides[0] + a->offset(i, k)) * bytes,
              .b = args.b.as<std::byte>() + (matrix * args.b.strides[0] + b->offset(k, j)) * bytes,
              .bias = bias == nullptr ? nullptr : bias + j * bytes,
              .c = target.as<std::byte>() + ((slab * whole.m + i) * whole.n + j) * size_bytes(problem.c_dtype)});
  };
  parallel_for(batch * depth.count * rows.count * columns.count, 1, [&](int64_t task, int64_t) { run_task(task); });
  if (has_partials) {
    cpu::sum_parts({.parts = args.partials, .y = args.c});
  }
  return true;
}

}  // namespace lv::kernels::onednn
