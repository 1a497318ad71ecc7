#include "kernels/optimizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Calls fn(tensor, chunk number, first element, elements) for every chunk.
template <class Fn>
void for_each_chunk(const UpdateTable& table, Fn&& fn) {
  parallel_for(table.chunk_count, 1, [&](int64_t chunk, int64_t /*end*/) {
    const UpdateChunk& part = table.chunks[chunk];
    const UpdateTensor& tensor = table.tensors[part.tensor];
    fn(tensor, chunk, part.begin, std::min(kUpdateChunk, tensor.count - part.begin));
  });
}

template <class Fn>
void visit_dtype(const UpdateTable& table, Fn&& fn) {
  if (table.dtype == DType::f64) {
    fn.template operator()<double>();
  } else {
    fn.template operator()<float>();
  }
}

/// Element `begin` of an array that may be absent.
template <class A, class Pointer>
A* element(Pointer* array, int64_t begin) {
  return array != nullptr ? static_cast<A*>(array) + begin : nullptr;
}

template <class Rule>
void update(const UpdateArgs<Rule>& args) {
  visit_dtype(args.table, [&]<class A>() {
    for_each_chunk(args.table, [&](const UpdateTensor& tensor, int64_t, int64_t begin, int64_t n) {
      using V = simd::Vec<A>;
      const auto step = args.rule.template prepare<A>(tensor);
      A* value = element<A>(tensor.value, begin);
      const A* grad = element<const A>(tensor.grad, begin);
      A* state[2] = {element<A>(tensor.state[0], begin), element<A>(tensor.state[1], begin)};
      simd::for_each_vec<A>(n, [&](int64_t i, auto lanes) {
        V v = lanes.load(value + i);
        V g = A(0);
        V s[2];
        if constexpr (Rule::kHasGrad) {
          g = lanes.load(grad + i);
        }
        for (int k = 0; k < Rule::kStates; ++k) {
          s[k] = lanes.load(state[k] + i);
        }
        step(v, g, s);
        lanes.store(value + i, v);
        for (int k = 0; k < Rule::kStates; ++k) {
          lanes.store(state[k] + i, s[k]);
        }
      });
    });
  });
}

}  // namespace

void update_sgd(const UpdateSgdArgs& args) { update(args); }
void update_momentum(const UpdateMomentumArgs& args) { update(args); }
void update_adam(const UpdateAdamArgs& args) { update(args); }
void update_lars(const UpdateLarsArgs& args) { update(args); }
void update_lookahead(const UpdateLookaheadArgs& args) { update(args); }
void update_average(const UpdateAverageArgs& args) { update(args); }

void sum_squares(const SumSquaresArgs& args) {
  visit_dtype(args.table, [&]<class A>() {
    for_each_chunk(args.table, [&](const UpdateTensor& tensor, int64_t chunk, int64_t begin, int64_t n) {
      const A* value = element<const A>(tensor.value, begin);
      double* sums = args.partials + 2 * chunk;
      sums[0] = double(simd::reduce_sum<A>(n, [&](int64_t i, auto lanes) {
        const auto v = lanes.load(value + i);
        return v * v;
      }));
      sums[1] = 0;
      if (tensor.grad != nullptr) {
        const A* grad = element<const A>(tensor.grad, begin);
        const auto scale = A(args.grad_scale);
        const auto decay = A(tensor.decay(args.weight_decay));
        sums[1] = double(simd::reduce_sum<A>(n, [&](int64_t i, auto lanes) {
          const auto d = lanes.load(grad + i) * scale + lanes.load(value + i) * decay;
          return d * d;
        }));
      }
    });
  });
  const UpdateTable& table = args.table;
  for (int64_t t = 0; t < table.tensor_count; ++t) {
    const UpdateTensor& tensor = table.tensors[t];
    const int64_t end = tensor.first_chunk + chunk_count(tensor.count, kUpdateChunk);
    double* squares = args.squares + 2 * tensor.index;
    squares[0] = 0;
    squares[1] = 0;
    for (int64_t chunk = tensor.first_chunk; chunk < end; ++chunk) {
      squares[0] += args.partials[2 * chunk];
      squares[1] += args.partials[2 * chunk + 1];
    }
  }
}

void clip_factors(const ClipFactorsArgs& args) {
  double total = 0;
  for (int64_t t = 0; t < args.tensor_count; ++t) {
    total += args.squares[2 * t];
    if (args.per_tensor) {
      args.norms[t] = std::sqrt(args.squares[2 * t]);
      args.factors[t] = clip_factor(args.norms[t], args.max_norm);
    }
  }
  if (!args.per_tensor) {
    args.norms[0] = std::sqrt(total);
    std::fill_n(args.factors, args.tensor_count, clip_factor(args.norms[0], args.max_norm));
  }
}

void scale_tensors(const ScaleTensorsArgs& args) {
  visit_dtype(args.table, [&]<class A>() {
    for_each_chunk(args.table, [&](const UpdateTensor& tensor, int64_t, int64_t begin, int64_t n) {
      const auto factor = A(args.scale * (args.factors != nullptr ? args.factors[tensor.index] : 1.0));
      A* value = element<A>(tensor.value, begin);
      if (args.non_finite == nullptr) {
        if (factor != A(1)) {
          simd::map(n, value, [&](auto v) { return v * factor; }, value);
        }
        return;
      }
      // 0 times a finite number is 0, times any other NaN, which no later term removes.
      const A zero = simd::reduce_sum<A>(n, [&](int64_t i, auto lanes) {
        const auto scaled = lanes.load(value + i) * factor;
        lanes.store(value + i, scaled);
        return scaled * A(0);
      });
      if (zero != A(0)) {
        std::atomic_ref(*args.non_finite).store(1, std::memory_order_relaxed);
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(update_sgd, UpdateSgdArgs)
LV_CPU_KERNEL(update_momentum, UpdateMomentumArgs)
LV_CPU_KERNEL(update_adam, UpdateAdamArgs)
LV_CPU_KERNEL(update_lars, UpdateLarsArgs)
LV_CPU_KERNEL(update_lookahead, UpdateLookaheadArgs)
LV_CPU_KERNEL(update_average, UpdateAverageArgs)
LV_CPU_KERNEL(sum_squares, SumSquaresArgs)
LV_CPU_KERNEL(clip_factors, ClipFactorsArgs)
LV_CPU_KERNEL(scale_tensors, ScaleTensorsArgs)
