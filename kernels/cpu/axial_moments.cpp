#include "kernels/cpu/axial_gram.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Blocks whose position Grams are added up in S before they go on in double.
constexpr int64_t kGroup = 64;

/// The moments of the three terms, without logits.
template <class S>
class AxialMoments {
 public:
  explicit AxialMoments(const AxialMomentsArgs& args)
      : args_(args), shape_(args.shape), blocks_(args.shape), factors_(args.shape, AxialNorm{}) {
    struct LineTag;
    line_moments_ = thread_scratch<LineTag, double>(size_t(2 * blocks_.count() * kLanes<S>));
  }

  void run() {
    if (shape_.content) {
      parallel_for(blocks_.count(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
          shape_.reach >= shape_.length - 1 ? measure_line(block) : measure_window(block);
        }
      });
    }
    parallel_for(2 * shape_.length, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i < shape_.length ? shape_.query_position : shape_.key_position) {
          add_up_position(i / shape_.length, i % shape_.length);
        }
      }
    });
    finish_content();
    const AxialTables<S> tables(shape_, args_.table, factors_);
    const AxialTable<S> table = tables.of_kind(0);
    finish_position(0, table.plain_query, table.step);
    finish_position(1, table.key, table.step);
  }

 private:
  using V = simd::Vec<S>;
  struct WindowTag {};

  [[nodiscard]] PackedBlock<const S> packed(int64_t block) const {
    return PackedBlock<const S>(args_.packed.as<S>(), shape_, block);
  }

  void write_line(int64_t block, V mean, V square) const {
    double* to = line_moments_ + block * 2 * kLanes<S>;
    for (int64_t lane = 0; lane < kLanes<S>; ++lane) {
      to[lane] = double(mean[int(lane)]);
      to[kLanes<S> + lane] = double(square[int(lane)]);
    }
  }

  /// Mean of x1 over each line of a block and sum of squares around it, where all queries see all keys. Both Grams are
  /// taken around the means of q and k: q.k - its mean is q'.k' + q'.mean k + mean q.k', three parts without products.
  void measure_line(int64_t block) const {
    struct ScratchTag;
    const int64_t d = shape_.dim;
    S* scratch = thread_scratch<ScratchTag, S>(size_t(2 * LineMoments<S>::size(d)));
    const LineMoments<S> q(scratch, d);
    const LineMoments<S> k(scratch + LineMoments<S>::size(d), d);
    q.make(packed(block).q, shape_);
    k.make(packed(block).k, shape_);
    V mean(S(0));
    V products(S(0));
    V crossed(S(0));
    for (int64_t a = 0; a < d; ++a) {
      const V mean_q = simd::load(q.mean + a * kLanes<S>);
      const V mean_k = simd::load(k.mean + a * kLanes<S>);
      mean = fma(mean_q, mean_k, mean);
      V image_q(S(0));
      V image_k(S(0));
      for (int64_t b = 0; b < d; ++b) {
        const V gram_q = simd::load(q.gram + (a * d + b) * kLanes<S>);
        const V gram_k = simd::load(k.gram + (a * d + b) * kLanes<S>);
        products = fma(gram_q, gram_k, products);
        image_q = fma(gram_k, simd::load(q.mean + b * kLanes<S>), image_q);
        image_k = fma(gram_q, simd::load(k.mean + b * kLanes<S>), image_k);
      }
      crossed += fma(image_q, mean_q, image_k * mean_k);
    }
    write_line(block, mean, fma(crossed, V(S(shape_.length)), products));
  }

  /// The same for a span: logit by logit, in two passes.
  void measure_window(int64_t block) const {
    const PackedBlock<const S> from = packed(block);
    const auto add_up = [&](V shift, auto function) {
      V sum(S(0));
      for (int64_t i = 0; i < shape_.length; ++i) {
        for (int64_t j = std::max<int64_t>(0, i - shape_.reach); j < std::min(shape_.length, i + shape_.reach + 1);
             ++j) {
          V x(S(0));
          for (int64_t c = 0; c < shape_.dim; ++c) {
            const int64_t channel = c * channel_step<S>(shape_);
            x = fma(simd::load(from.q + channel + i * kLanes<S>), simd::load(from.k + channel + j * kLanes<S>), x);
          }
          sum += function(x - shift);
        }
      }
      return sum;
    };
    const V mean = add_up(V(S(0)), [](V x) { return x; }) / V(S(shape_.line_pairs()));
    write_line(block, mean, add_up(mean, [](V x) { return x * x; }));
  }

  /// grams[side][position]: over all rows, by head.
  void add_up_position(int64_t side, int64_t position) const {
    struct ScratchTag;
    const int64_t d = shape_.dim;
    const int64_t size = (d + 1) * d;
    double* out = grams(side, position);
    std::fill_n(out, shape_.heads * size, 0.0);
    S* gram = thread_scratch<ScratchTag, S>(size_t(size * kLanes<S>));
    const int64_t kinds = blocks_.kinds();
    const int64_t block_size = shape_.head_channels() * channel_step<S>(shape_);
    for (int64_t kind = 0; kind < kinds; ++kind) {
      for (int64_t first = kind; first < blocks_.count(); first += kGroup * kinds) {
        const S* x = (side == 0 ? packed(first).q : packed(first).k) + position * kLanes<S>;
        GramSum<S>{.x = x,
                   .vector_step = block_size * kinds,
                   .channel_step = channel_step<S>(shape_),
                   .count = std::min(kGroup, chunk_count(blocks_.count() - first, kinds)),
                   .dim = d,
                   .center = nullptr,
                   .gram = gram,
                   .sum = gram + d * d * kLanes<S>,
                   .adds = false}
            .run();
        for (int64_t lane = 0; lane < kLanes<S>; ++lane) {
          double* to = out + blocks_.head(kind, lane) * size;
          for (int64_t i = 0; i < size; ++i) {
            to[i] += double(gram[i * kLanes<S> + lane]);
          }
        }
      }
    }
  }

  void finish_content() const {
    if (!shape_.content) {
      return;
    }
    const auto rows = double(shape_.rows());
    const auto of_line = [&](int64_t row, int64_t head, int64_t which) {
      const int64_t pair = row * shape_.heads + head;
      return line_moments_[(pair / kLanes<S> * 2 + which) * kLanes<S> + pair % kLanes<S>];
    };
    for (int64_t head = 0; head < shape_.heads; ++head) {
      double mean = 0;
      for (int64_t row = 0; row < shape_.rows(); ++row) {
        mean += of_line(row, head, 0) / rows;
      }
      double variance = 0;
      for (int64_t row = 0; row < shape_.rows(); ++row) {
        const double off = of_line(row, head, 0) - mean;
        variance += (of_line(row, head, 1) / double(shape_.line_pairs()) + off * off) / rows;
      }
      write(0, head, mean, variance);
    }
  }

  /// Moments of q . R_q (side 0) or k . R_k (1): products of the Grams at a position with those of the table's window.
  void finish_position(int64_t side, const S* table, int64_t step) const {
    if (side == 0 ? !shape_.query_position : !shape_.key_position) {
      return;
    }
    struct ScratchTag;
    const int64_t d = shape_.dim;
    const TableWindows windows(WindowTag(), table, step, shape_);
    double* window = thread_scratch<ScratchTag, double>(size_t((d + 1) * d));
    double sums[kMaxHeads][2] = {};
    for (int64_t p = 0; p < shape_.length; ++p) {
      windows.write(p, window);
      for (int64_t head = 0; head < shape_.heads; ++head) {
        const double* gram = grams(side, p) + head * (d + 1) * d;
        for (int64_t i = 0; i < d * d; ++i) {
          sums[head][1] += gram[i] * window[i];
        }
        for (int64_t i = d * d; i < (d + 1) * d; ++i) {
          sums[head][0] += gram[i] * window[i];
        }
      }
    }
    for (int64_t head = 0; head < shape_.heads; ++head) {
      const double mean = sums[head][0] / count();
      write(int(side) + 1, head, mean, std::max(sums[head][1] / count() - mean * mean, 0.0));
    }
  }

  [[nodiscard]] double count() const { return double(shape_.rows()) * double(shape_.line_pairs()); }

  [[nodiscard]] double* grams(int64_t side, int64_t position) const {
    const int64_t d = shape_.dim;
    return args_.grams.as<double>() + (side * shape_.length + position) * shape_.heads * (d + 1) * d;
  }

  void write(int term, int64_t head, double mean, double variance) const {
    const int64_t at = TermFactors::row_of(shape_, term) * shape_.heads + head;
    args_.moments.as<double>()[at] = mean;
    args_.moments.as<double>()[shape_.term_count() * shape_.heads + at] = variance;
    args_.mean.as<S>()[at] = S(mean);
    args_.unbiased.as<S>()[at] = S(variance * count() / std::max(count() - 1, 1.0));
  }

  const AxialMomentsArgs& args_;
  const AxialShape& shape_;
  PairBlocks<S> blocks_;
  TermFactors factors_;
  double* line_moments_;  // [blocks][mean, sum of squares][kLanes]
};

}  // namespace

void axial_moments(const AxialMomentsArgs& args) {
  visit_floating(args.packed.dtype, "axial_attention", [&]<class T>() {
    if constexpr (std::is_same_v<T, simd::Lane<T>>) {
      AxialMoments<T>(args).run();
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(axial_moments, AxialMomentsArgs)
