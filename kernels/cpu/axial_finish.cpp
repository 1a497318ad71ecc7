#include "kernels/cpu/axial_gram.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// The last part of backward. What the moments add is, for q (for k alike, with R_k and the third term):
///   dq_i -= r1 (sum over j of (x1_ij - mean1) k_j) + r2 (sum over j of (x2_ij - mean2) R_q[i - j])
///   dR_q[t] -= sum over i of r2 (x2 - mean2) q_i,  j = i - t,  over all rows and heads
template <class S, class T>
class AxialFinish {
 public:
  explicit AxialFinish(const AxialFinishArgs& args)
      : args_(args), shape_(args.shape), blocks_(args.shape), factors_(args.shape, args.norm), homes_(args.shape) {
    const double count = double(shape_.rows()) * double(shape_.line_pairs());
    for (int term = 0; term < 3; ++term) {
      for (int64_t head = 0; head < shape_.heads && corrects(); ++head) {
        const double inverse_std = factors_.inverse_std[term][head];
        slopes_[term][head] = factors_.scale[term][head] * inverse_std * inverse_std * sum_of(term, head) / count;
      }
    }
  }

  void run() {
    struct QueryTag {};
    struct KeyTag {};
    const AxialTables<S> tables(shape_, args_.table, factors_);
    const AxialTable<S> table = tables.of_kind(0);
    if (corrects()) {
      query_windows_ = make_windows(QueryTag(), table.plain_query, table.step);
      key_windows_ = make_windows(KeyTag(), table.key, table.step);
    }
    parallel_for(blocks_.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const PackedBlock<S> grad(args_.packed_grad.as<S>(), shape_, block);
        if (corrects()) {
          correct(block, grad);
        }
        const LanePlaces<T, S> places(shape_, args_.grad_qkv, block);
        for (int64_t position = 0; position < shape_.length; ++position) {
          scatter_position<S, T>(grad.q, position, homes_.at, places, position);
        }
      }
    });
    if (args_.grad_table.defined()) {
      write_table(table);
    }
    if (args_.grad_weight.defined()) {
      write_weight();
    }
  }

 private:
  using V = simd::Vec<S>;
  template <class Tag>
  struct Windows;

  [[nodiscard]] bool corrects() const { return args_.grams.defined(); }
  [[nodiscard]] double sum_of(int term, int64_t head) const {
    return args_.sums.as<double>()[term * shape_.heads + head];
  }

  /// The windows of a table at all positions: [length][dim + 1][dim].
  template <class Tag>
  const S* make_windows(Tag tag, const S* table, int64_t step) const {
    const TableWindows windows(tag, table, step, shape_);
    const int64_t size = (shape_.dim + 1) * shape_.dim;
    S* out = thread_scratch<Windows<Tag>, S>(size_t(shape_.length * size));
    for (int64_t p = 0; p < shape_.length; ++p) {
      windows.write(p, out + p * size);
    }
    return out;
  }

  void correct(int64_t block, const PackedBlock<S>& grad) const {
    const PackedBlock<const S> packed(args_.packed.as<S>(), shape_, block);
    if (shape_.reach >= shape_.length - 1) {
      struct ScratchTag;
      const int64_t size = LineMoments<S>::size(shape_.dim);
      S* scratch = thread_scratch<ScratchTag, S>(size_t(2 * size));
      const LineMoments<S> q(scratch, shape_.dim);
      const LineMoments<S> k(scratch + size, shape_.dim);
      q.make(packed.q, shape_);
      k.make(packed.k, shape_);
      correct_side(block, packed.q, k, query_windows_, 1, grad.q);
      correct_side(block, packed.k, q, key_windows_, 2, grad.k);
    } else {
      correct_window(block, packed, grad);
      correct_side(block, packed.q, LineMoments<S>(nullptr, 0), query_windows_, 1, grad.q);
      correct_side(block, packed.k, LineMoments<S>(nullptr, 0), key_windows_, 2, grad.k);
    }
  }

  /// grad -= the parts of x1 (unless `other` is empty) and of the position term, at all positions of q or k. With the
  /// Gram G of the other side around its mean m, the first is r1 (G x + length (x.m - mean1) m).
  void correct_side(int64_t block, const S* x, const LineMoments<S>& other, const S* windows, int term, S* grad) const {
    const int64_t d = shape_.dim;
    const int64_t step = channel_step<S>(shape_);
    const V content_slope = blocks_.spread(block, slopes_[0]);
    const V content_mean = blocks_.spread(block, factors_.mean[0]);
    const V slope = blocks_.spread(block, slopes_[term]);
    const V mean = blocks_.spread(block, factors_.mean[term]);
    const bool has_content = other.gram != nullptr;
    for (int64_t p = 0; p < shape_.length; ++p, x += kLanes<S>, grad += kLanes<S>) {
      V along_mean(S(0));
      for (int64_t b = 0; b < d && has_content; ++b) {
        along_mean = fma(simd::load(x + b * step), simd::load(other.mean + b * kLanes<S>), along_mean);
      }
      along_mean = (along_mean - content_mean) * S(shape_.length);
      const S* window = windows + p * (d + 1) * d;
      in_fours(d, [&]<int C>(int64_t c) {
        V content[C];
        V position[C];
#pragma GCC unroll 4
        for (int i = 0; i < C; ++i) {
          content[i] = has_content ? along_mean * simd::load(other.mean + (c + i) * kLanes<S>) : V(S(0));
          position[i] = -mean * window[d * d + c + i];
        }
        for (int64_t b = 0; b < d; ++b) {
          const V at = pinned(simd::load(x + b * step));
#pragma GCC unroll 4
          for (int i = 0; i < C; ++i) {
            position[i] = fma(at, V(window[(c + i) * d + b]), position[i]);
            if (has_content) {
              content[i] = fma(at, simd::load(other.gram + ((c + i) * d + b) * kLanes<S>), content[i]);
            }
          }
        }
#pragma GCC unroll 4
        for (int i = 0; i < C; ++i) {
          S* to = grad + (c + i) * step;
          simd::store(to, simd::load(to) - fma(content_slope, content[i], slope * position[i]));
        }
      });
    }
  }

  /// The part of x1 for a span: logit by logit.
  void correct_window(int64_t block, const PackedBlock<const S>& packed, const PackedBlock<S>& grad) const {
    const int64_t end = shape_.dim * channel_step<S>(shape_);
    const V slope = blocks_.spread(block, slopes_[0]);
    const V mean = blocks_.spread(block, factors_.mean[0]);
    for (int64_t i = 0; i < shape_.length; ++i) {
      for (int64_t j = std::max<int64_t>(0, i - shape_.reach); j < std::min(shape_.length, i + shape_.reach + 1); ++j) {
        const int64_t at_i = i * kLanes<S>;
        const int64_t at_j = j * kLanes<S>;
        V x = -mean;
        for (int64_t c = 0; c < end; c += channel_step<S>(shape_)) {
          x = fma(simd::load(packed.q + c + at_i), simd::load(packed.k + c + at_j), x);
        }
        x *= -slope;
        for (int64_t c = 0; c < end; c += channel_step<S>(shape_)) {
          simd::store(grad.q + c + at_i, fma(x, simd::load(packed.k + c + at_j), simd::load(grad.q + c + at_i)));
          simd::store(grad.k + c + at_j, fma(x, simd::load(packed.q + c + at_i), simd::load(grad.k + c + at_j)));
        }
      }
    }
  }

  /// The tables' gradients, zero in columns that no offset reads.
  void write_table(const AxialTable<S>& table) const {
    const int64_t columns = 2 * shape_.length - 1;
    const int64_t reach = std::min(shape_.reach, shape_.length - 1);
    const auto* from = args_.table_grad.as<double>() + shape_.length - 1;
    for (int64_t c = 0; c < shape_.head_channels(); ++c) {
      S* to = args_.grad_table.as<S>() + c * args_.grad_table.strides[0];
      std::fill_n(to, args_.grad_table.size(1), S(0));
      to += shape_.table_center;
      for (int64_t u = -reach; u <= reach; ++u) {
        to[u] = S(from[c * columns + u]);
      }
    }
    if (corrects()) {
      parallel_for(2, 1, [&](int64_t begin, int64_t end) {
        for (int64_t side = begin; side < end; ++side) {
          if (side == 0 ? shape_.query_position : shape_.key_position) {
            correct_table(side, side == 0 ? table.plain_query : table.key, table.step);
          }
        }
      });
    }
  }

  /// Subtracts H R[u] - h for each offset u, where H and h are sums over all positions that have a partner at u of the
  /// Grams of q or k, weighted by head.
  void correct_table(int64_t side, const S* table, int64_t step) const {
    struct ScratchTag;
    const int64_t d = shape_.dim;
    const int64_t size = (d + 1) * d;
    const int64_t length = shape_.length;
    double* sums = thread_scratch<ScratchTag, double>(size_t((length + 1) * size));
    std::fill_n(sums, size, 0.0);
    for (int64_t p = 0; p < length; ++p) {
      double* sum = sums + (p + 1) * size;
      std::copy_n(sum - size, size, sum);
      for (int64_t head = 0; head < shape_.heads; ++head) {
        const double* gram = args_.grams.as<double>() + ((side * length + p) * shape_.heads + head) * size;
        const double slope = slopes_[side + 1][head];
        const double mean = factors_.mean[side + 1][head];
        for (int64_t i = 0; i < d * d; ++i) {
          sum[i] += slope * gram[i];
        }
        for (int64_t i = d * d; i < size; ++i) {
          sum[i] += slope * mean * gram[i];
        }
      }
    }
    const int64_t columns = 2 * length - 1;
    const int64_t reach = std::min(shape_.reach, length - 1);
    for (int64_t u = -reach; u <= reach; ++u) {
      const double* low = sums + std::max<int64_t>(0, u) * size;
      const double* high = sums + std::min(length, length + u) * size;
      for (int64_t c = 0; c < d; ++c) {
        double change = low[d * d + c] - high[d * d + c];
        for (int64_t b = 0; b < d; ++b) {
          change += (high[c * d + b] - low[c * d + b]) * double(table[b * step + u]);
        }
        const double whole = args_.table_grad.as<double>()[(side * d + c) * columns + length - 1 + u];
        args_.grad_table.as<S>()[(side * d + c) * args_.grad_table.strides[0] + shape_.table_center + u] =
            S(whole - change);
      }
    }
  }

  void write_weight() const {
    S* to = args_.grad_weight.as<S>();
    for (int term = 0; term < 3; ++term) {
      for (int64_t head = 0; head < shape_.heads && shape_.terms()[size_t(term)]; ++head) {
        *to++ = S(sum_of(term, head) * factors_.inverse_std[term][head]);
      }
    }
  }

  const AxialFinishArgs& args_;
  const AxialShape& shape_;
  PairBlocks<S> blocks_;
  TermFactors factors_;
  PackedHomes<S> homes_;
  double slopes_[3][kMaxHeads] = {};  // r, see [Axial attention]
  const S* query_windows_ = nullptr;
  const S* key_windows_ = nullptr;
};

}  // namespace

void axial_attention_finish(const AxialFinishArgs& args) {
  visit_floating(args.grad_qkv.dtype, "axial_attention", [&]<class T>() { AxialFinish<simd::Lane<T>, T>(args).run(); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(axial_attention_finish, AxialFinishArgs)
