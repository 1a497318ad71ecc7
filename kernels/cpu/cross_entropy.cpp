#include "kernels/cross_entropy.h"

#include "kernels/cpu/exp_sum.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int kRowBlock = 4;

/// The inputs as both passes use them.
template <class T>
struct Problem {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Rows<const T> logits;
  Rows<const T> targets;
  const int64_t* labels;
  const A* weight;
  int64_t rows;
  int64_t classes;
  int64_t ignore_index;
  A certain;  // the share of the label or the targets in the target distribution
  A uniform;  // each class's part of the rest
  A weight_sum;

  explicit Problem(const CrossEntropyInputs& in)
      : logits(in.logits),
        targets(in.targets),
        labels(in.labels.as<int64_t>()),
        weight(in.weight.as<A>()),
        rows(in.logits.size(0)),
        classes(in.logits.size(1)),
        ignore_index(in.ignore_index),
        certain(A(1 - in.smoothing)),
        uniform(A(in.smoothing / double(classes))),
        weight_sum(weight == nullptr ? A(classes) : simd::reduce_sum<A>(classes, [this](int64_t c, auto lanes) {
          return lanes.load(weight + c);
        })) {}

  [[nodiscard]] A class_weight(int64_t c) const { return weight == nullptr ? A(1) : weight[c]; }
  template <class Lanes>
  [[nodiscard]] V class_weights(int64_t c, Lanes lanes) const {
    return weight == nullptr ? V(A(1)) : lanes.load(weight + c);
  }
  /// The row's part in the mean's divisor; NaN for a label that is no class.
  [[nodiscard]] A row_weight(int64_t row) const {
    if (labels == nullptr) {
      return A(1);
    }
    const int64_t label = labels[row];
    if (label == ignore_index) {
      return A(0);
    }
    return label >= 0 && label < classes ? class_weight(label) : std::numeric_limits<A>::quiet_NaN();
  }
  /// Weighted target mass of the classes from c on.
  template <class Lanes>
  [[nodiscard]] V target_mass(int64_t row, int64_t c, Lanes lanes) const {
    return class_weights(c, lanes) * fma(lanes.load(targets[row] + c), V(certain), V(uniform));
  }
};

template <class T>
typename Problem<T>::A row_loss(const Problem<T>& problem, int64_t row, Accumulator<T> top, Accumulator<T> log_sum) {
  using A = Accumulator<T>;
  const T* x = problem.logits[row];
  if (problem.labels == nullptr) {
    return simd::reduce_sum<T>(problem.classes, [&](int64_t c, auto lanes) {
      return problem.target_mass(row, c, lanes) * (top - lanes.load(x + c) + log_sum);
    });
  }
  const A weight = problem.row_weight(row);
  if (problem.labels[row] == problem.ignore_index || weight != weight) {
    return weight;
  }
  A loss = problem.certain * weight * (top - A(x[problem.labels[row]]) + log_sum);
  if (problem.uniform != A(0)) {
    loss += problem.uniform * simd::reduce_sum<T>(problem.classes, [&](int64_t c, auto lanes) {
              return problem.class_weights(c, lanes) * (top - lanes.load(x + c) + log_sum);
            });
  }
  return loss;
}

/// normalizers of kRows rows, with the sum itself in the place of its logarithm.
template <int kRows, class T>
void sum_rows(const Problem<T>& problem, int64_t row, Accumulator<T>* normalizers) {
  Accumulator<T> top[kRows];
  Accumulator<T> sum[kRows];
  exp_sums<kRows>(problem.logits, row, problem.classes, top, sum, [](auto&&...) {});
  for (int r = 0; r < kRows; ++r) {
    normalizers[2 * (row + r)] = top[r];
    normalizers[2 * (row + r) + 1] = sum[r];
  }
}

/// Replaces the second number of each pair by its logarithm.
template <class A>
void take_logs(A* pairs, int64_t count) {
  using V = simd::Vec<A>;
  V is_second;
  for (int lane = 0; lane < V::kLanes; ++lane) {
    is_second.native[lane] = A(lane % 2);
  }
  simd::for_each_vec<A>(2 * count, [&](int64_t i, auto lanes) {
    const V value = lanes.load(pairs + i);
    lanes.store(pairs + i, select(is_second > V(0), log(value), value));
  });
}

/// The rows begin .. end, in blocks that are in the caches when their losses are taken.
template <class T>
void forward_rows(const Problem<T>& problem, int64_t begin, int64_t end, Accumulator<T>* normalizers,
                  Accumulator<T>* losses) {
  constexpr int64_t kBlock = 64;
  for (; begin < end; begin += kBlock) {
    const int64_t rows = std::min(kBlock, end - begin);
    for_each_row_block<kRowBlock>(
        rows, [&](auto count, int64_t row) { sum_rows<count.value>(problem, begin + row, normalizers); });
    take_logs(normalizers + 2 * begin, rows);
    for (int64_t row = begin; row < begin + rows; ++row) {
      losses[row] = row_loss(problem, row, normalizers[2 * row], normalizers[2 * row + 1]);
    }
  }
}

template <class T>
struct Gradient {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Problem<T> problem;
  const A* normalizers;
  const T* grad_loss;
  int64_t grad_step;
  A scale;
  T* grad_logits;
  T* grad_targets;

  void run(int64_t row) const {
    const A grad = A(grad_loss[row * grad_step]) * scale;
    if (problem.labels == nullptr) {
      from_targets(row, grad);
    } else if (grad_logits != nullptr) {
      from_label(row, grad);
    }
  }

 private:
  template <class Lanes>
  [[nodiscard]] V log_probability(int64_t row, int64_t c, Lanes lanes) const {
    return lanes.load(problem.logits[row] + c) - normalizers[2 * row] - normalizers[2 * row + 1];
  }

  void from_label(int64_t row, A grad) const {
    T* out = grad_logits + row * problem.classes;
    const int64_t label = problem.labels[row];
    if (label == problem.ignore_index) {
      std::fill_n(out, problem.classes, T(A(0)));
      return;
    }
    const A own = grad * problem.certain * problem.row_weight(row);
    const A even = grad * problem.uniform;
    const A mass = own + even * problem.weight_sum;
    simd::for_each_vec<T>(problem.classes, [&](int64_t c, auto lanes) {
      const V others = problem.uniform != A(0) ? even * problem.class_weights(c, lanes) : V(A(0));
      lanes.store(out + c, exp(log_probability(row, c, lanes)) * mass - others);
    });
    if (own == own) {
      // Anew, so that a 16-bit element is rounded once.
      const simd::PartVector one{1};
      const V p = exp(log_probability(row, label, one));
      one.store(out + label, p * mass - even * problem.class_weight(label) - own);
    }
  }

  void from_targets(int64_t row, A grad) const {
    if (grad_logits != nullptr) {
      T* out = grad_logits + row * problem.classes;
      const A mass = simd::reduce_sum<T>(problem.classes,
                                         [&](int64_t c, auto lanes) { return problem.target_mass(row, c, lanes); });
      simd::for_each_vec<T>(problem.classes, [&](int64_t c, auto lanes) {
        const V p = exp(log_probability(row, c, lanes));
        lanes.store(out + c, (p * mass - problem.target_mass(row, c, lanes)) * grad);
      });
    }
    if (grad_targets != nullptr) {
      T* out = grad_targets + row * problem.classes;
      simd::for_each_vec<T>(problem.classes, [&](int64_t c, auto lanes) {
        lanes.store(out + c,
                    -log_probability(row, c, lanes) * problem.class_weights(c, lanes) * (grad * problem.certain));
      });
    }
  }
};

template <class A>
void add_up(const CrossEntropyArgs& args, int64_t chunks) {
  const A* partials = args.partials.as<A>();
  double loss = 0;
  double weight = 0;
  for (int64_t k = 0; k < chunks; ++k) {
    loss += double(partials[2 * k]);
    weight += double(partials[2 * k + 1]);
  }
  args.total.as<A>()[0] = A(args.is_mean ? loss / weight : loss);
  args.total.as<A>()[1] = A(weight);
}

}  // namespace

void cross_entropy(const CrossEntropyArgs& args) {
  visit_floating(args.in.logits.dtype, "cross_entropy", [&]<class T>() {
    using A = Accumulator<T>;
    const Problem<T> problem(args.in);
    A* normalizers = args.normalizers.as<A>();
    A* losses = args.row_losses.as<A>();
    const int64_t grain = loss_chunk_rows(problem.classes);
    parallel_for(problem.rows, grain, [&](int64_t begin, int64_t end) {
      forward_rows(problem, begin, end, normalizers, losses);
      if (args.total.defined()) {
        A* partial = args.partials.as<A>() + begin / grain * 2;
        partial[0] =
            simd::reduce_sum<A>(end - begin, [&](int64_t i, auto lanes) { return lanes.load(losses + begin + i); });
        partial[1] = A(0);
        for (int64_t row = begin; row < end; ++row) {
          partial[1] += problem.row_weight(row);
        }
      }
    });
    if (args.total.defined()) {
      add_up<A>(args, chunk_count(problem.rows, grain));
    }
  });
}

void cross_entropy_grad(const CrossEntropyGradArgs& args) {
  visit_floating(args.in.logits.dtype, "cross_entropy_grad", [&]<class T>() {
    using A = Accumulator<T>;
    const Gradient<T> gradient{Problem<T>(args.in),
                               args.normalizers.as<A>(),
                               args.grad_loss.as<T>(),
                               args.grad_loss.strides[0],
                               args.divisor.defined() ? A(1) / *args.divisor.as<A>() : A(1),
                               args.grad_logits.as<T>(),
                               args.grad_targets.as<T>()};
    parallel_for(gradient.problem.rows, loss_chunk_rows(gradient.problem.classes), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        gradient.run(row);
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(cross_entropy, CrossEntropyArgs)
LV_CPU_KERNEL(cross_entropy_grad, CrossEntropyGradArgs)
