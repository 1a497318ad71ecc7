#pragma once

#include <cmath>

#include "kernels/cpu/axial_pairs.h"
#include "kernels/cpu/scratch.h"

// What the kernels of axial attention prepare once a call: the factors of the terms and the tables.

namespace lv::kernels::cpu::LV_ISA {

inline constexpr int64_t kMaxHeads = 128;

/// Factors, means and slopes of the three terms by head; all zero for terms that are left out.
struct TermFactors {
  double scale[3][kMaxHeads] = {};  // s
  double mean[3][kMaxHeads] = {};
  double inverse_std[3][kMaxHeads] = {};  // 1 without a norm

  TermFactors(const AxialShape& shape, const AxialNorm& norm) {
    int64_t row = 0;
    for (int term = 0; term < 3; ++term) {
      if (!shape.terms()[size_t(term)]) {
        continue;
      }
      for (int64_t head = 0; head < shape.heads; ++head) {
        scale[term][head] = norm.scale;
        inverse_std[term][head] = 1;
        if (norm.weight.defined()) {
          const int64_t at = row * shape.heads + head;
          const auto* moments = norm.moments.as<double>();
          mean[term][head] = moments[at];
          inverse_std[term][head] = 1 / std::sqrt(moments[shape.term_count() * shape.heads + at] + norm.eps);
          scale[term][head] = norm.weight.as<double>()[at] * inverse_std[term][head];
        }
      }
      ++row;
    }
  }
  /// Row of `term` among those of the arrays, or -1.
  static int64_t row_of(const AxialShape& shape, int term) {
    const auto terms = shape.terms();
    return terms[size_t(term)] ? std::count(terms.begin(), terms.begin() + term, true) : -1;
  }
};

/// The tables around offset 0, zero beyond the reach. Offsets are below `length` in magnitude.
template <class S>
struct AxialTable {
  const S* query;        // [dim][step][kLanes]: s2 R_q at i - j, binary logarithms
  const S* key;          // [dim][step]: R_k at j - i
  const S* value;        // [value_dim][step]: R_v at i - j
  const S* plain_query;  // [dim][step]: R_q at i - j
  int64_t step;
};

inline constexpr double kLog2E = 1.4426950408889634;
inline constexpr double kLn2 = 0.6931471805599453;

/// Owner of the tables: scratch of the thread that makes it.
template <class S>
class AxialTables {
 public:
  AxialTables(const AxialShape& shape, const ConstTensorRef& table, const TermFactors& factors)
      : shape_(shape), step_(2 * shape.length - 1) {
    struct PlainTag;
    struct LaneTag;
    const PairBlocks<S> blocks(shape);
    S* plain = thread_scratch<PlainTag, S>(size_t(shape.head_channels() * step_));
    const int64_t reach = std::min(shape.reach, shape.length - 1);
    for (int64_t c = 0; c < shape.head_channels(); ++c) {
      const S* from = table.as<S>() + c * table.strides[0] + shape.table_center;
      S* to = plain + c * step_ + shape.length - 1;
      std::fill(to - shape.length + 1, to + shape.length, S(0));
      if (c < 2 * shape.dim || shape.value_position) {
        std::copy(from - reach, from + reach + 1, to - reach);
      }
    }
    plain_ = plain;
    S* lanes = thread_scratch<LaneTag, S>(size_t(blocks.kinds() * step_ * shape.dim * kLanes<S>));
    lanes_ = lanes;
    for (int64_t kind = 0; kind < blocks.kinds(); ++kind) {
      const auto scale = blocks.spread(kind, factors.scale[1]) * S(kLog2E);
      for (int64_t i = 0; i < shape.dim * step_; ++i, lanes += kLanes<S>) {
        simd::store(lanes, scale * plain[i]);
      }
    }
  }
  /// The tables for blocks of a kind.
  [[nodiscard]] AxialTable<S> of_kind(int64_t kind) const {
    const S* center = plain_ + shape_.length - 1;
    return {.query = lanes_ + (kind * shape_.dim * step_ + shape_.length - 1) * kLanes<S>,
            .key = center + shape_.dim * step_,
            .value = center + 2 * shape_.dim * step_,
            .plain_query = center,
            .step = step_};
  }

 private:
  const AxialShape& shape_;
  int64_t step_;
  const S* plain_;  // [head_channels][step]
  const S* lanes_;  // [kinds][dim][step][kLanes]
};

}  // namespace lv::kernels::cpu::LV_ISA
