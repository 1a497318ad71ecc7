#pragma once

#include "kernels/cpu/axial_tile.h"

// Gram matrices of axial attention: of the vectors of a block, and of the tables.

namespace lv::kernels::cpu::LV_ISA {

/// gram[a][b] (+)= sum of x_a x_b and sum[a] (+)= sum of x_a, with x less `center` if there is one, over `count`
/// vectors of `dim` channels; vectors and channels lie so many elements apart. gram: [dim][dim][kLanes].
template <class S>
struct GramSum {
  const S* x;
  int64_t vector_step, channel_step, count, dim;
  const S* center;  // [dim][kLanes] or none
  S* gram;
  S* sum;  // [dim][kLanes] or none
  bool adds;

  void run() const {
    in_fours(dim, [&]<int A>(int64_t a) {
      for (int64_t b = 0; b < a; b += 4) {
        add_tile<A, 4>(a, b);
      }
      add_tile<A, A>(a, a);
    });
    for (int64_t a = 0; a < dim; ++a) {
      for (int64_t b = a + 1; b < dim; ++b) {
        simd::store(gram + (a * dim + b) * kLanes<S>, simd::load(gram + (b * dim + a) * kLanes<S>));
      }
    }
  }

 private:
  using V = simd::Vec<S>;

  template <int A, int B>
  void add_tile(int64_t a, int64_t b) const {
    V x_sums[A];
    V sums[A][B];
    V centers[A + B];
#pragma GCC unroll 8
    for (int i = 0; i < A + B; ++i) {
      centers[i] = center == nullptr ? V(S(0)) : simd::load(center + (i < A ? a + i : b + i - A) * kLanes<S>);
    }
#pragma GCC unroll 4
    for (int i = 0; i < A; ++i) {
      x_sums[i] = adds && sum != nullptr ? simd::load(sum + (a + i) * kLanes<S>) : V(S(0));
#pragma GCC unroll 4
      for (int j = 0; j < B; ++j) {
        sums[i][j] = adds ? simd::load(gram + ((a + i) * dim + b + j) * kLanes<S>) : V(S(0));
      }
    }
    const S* vectors = x;
    for (int64_t k = 0; k < count; ++k, vectors += vector_step) {
      V rows[A];
#pragma GCC unroll 4
      for (int i = 0; i < A; ++i) {
        rows[i] = pinned(simd::load(vectors + (a + i) * channel_step)) - centers[i];
        x_sums[i] += rows[i];
      }
#pragma GCC unroll 4
      for (int j = 0; j < B; ++j) {
        const V column = pinned(simd::load(vectors + (b + j) * channel_step)) - centers[A + j];
#pragma GCC unroll 4
        for (int i = 0; i < A; ++i) {
          sums[i][j] = fma(rows[i], column, sums[i][j]);
        }
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < A; ++i) {
      if (sum != nullptr && a == b) {
        simd::store(sum + (a + i) * kLanes<S>, x_sums[i]);
      }
#pragma GCC unroll 4
      for (int j = 0; j < B; ++j) {
        simd::store(gram + ((a + i) * dim + b + j) * kLanes<S>, sums[i][j]);
      }
    }
  }
};

/// The mean over a block's line of q or k, and the Gram matrix around it.
template <class S>
struct LineMoments {
  S* mean;  // [dim][kLanes]
  S* gram;  // [dim][dim][kLanes]

  static int64_t size(int64_t dim) { return (dim + 1) * dim * kLanes<S>; }
  explicit LineMoments(S* scratch, int64_t dim) : mean(scratch), gram(scratch + dim * kLanes<S>) {}

  void make(const S* x, const AxialShape& shape) const {
    const int64_t length = shape.length;
    const int64_t dim = shape.dim;
    const int64_t step = channel_step<S>(shape);
    const simd::Vec<S> factor = S(1) / S(length);
    for (int64_t c = 0; c < dim; ++c) {
      simd::Vec<S> sum(S(0));
      for (int64_t p = 0; p < length; ++p) {
        sum += simd::load(x + c * step + p * kLanes<S>);
      }
      simd::store(mean + c * kLanes<S>, sum * factor);
    }
    GramSum<S>{.x = x,
               .vector_step = kLanes<S>,
               .channel_step = step,
               .count = length,
               .dim = dim,
               .center = mean,
               .gram = gram,
               .sum = nullptr,
               .adds = false}
        .run();
  }
};

/// For each position of a line, sums over the offsets to all its partners of R R^T and of R, for one table R of the
/// logits: differences of running sums over the offsets.
class TableWindows {
 public:
  /// table: [dim][step] around offset 0. Tag names the memory, of the calling thread.
  template <class Tag, class S>
  TableWindows(Tag /*tag*/, const S* table, int64_t step, const AxialShape& shape)
      : dim_(shape.dim),
        length_(shape.length),
        reach_(std::min(shape.reach, shape.length - 1)),
        sums_(thread_scratch<Tag, double>(size_t(2 * length_ * (dim_ + 1) * dim_))) {
    const int64_t dim = dim_;
    std::fill_n(sums_ + (length_ - 1 - reach_) * (dim + 1) * dim, (dim + 1) * dim, 0.0);
    for (int64_t u = -reach_; u <= reach_; ++u) {
      const double* before = sum_below(u);
      double* after = sums_ + (u + length_) * (dim + 1) * dim;
      for (int64_t a = 0; a < dim; ++a) {
        const double x = table[a * step + u];
        for (int64_t b = 0; b < dim; ++b) {
          after[a * dim + b] = before[a * dim + b] + x * double(table[b * step + u]);
        }
        after[dim * dim + a] = before[dim * dim + a] + x;
      }
    }
  }
  /// out[(dim + 1) dim] for a position, in rows of dim; the last is the sum of R.
  template <class Out>
  void write(int64_t position, Out* out) const {
    const double* low = sum_below(std::max(position - length_ + 1, -reach_));
    const double* high = sum_below(std::min(position, reach_) + 1);
    for (int64_t i = 0; i < (dim_ + 1) * dim_; ++i) {
      out[i] = Out(high[i] - low[i]);
    }
  }

 private:
  [[nodiscard]] const double* sum_below(int64_t u) const { return sums_ + (u + length_ - 1) * (dim_ + 1) * dim_; }

  int64_t dim_, length_, reach_;
  double* sums_;  // [2 length][dim + 1][dim]
};

}  // namespace lv::kernels::cpu::LV_ISA
