#include "kernels/pair_loss.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class F, class T>
void write_losses(const PairLossArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  const V p = simd::Lane<T>(args.parameter);
  const T* x = args.x.as<T>();
  const T* t = args.t.as<T>();
  T* y = args.y.as<T>();
  parallel_for(args.x.numel(), kLossChunk, [&](int64_t begin, int64_t end) {
    simd::map(end - begin, y + begin, [&](V u, V v) { return F::value(u, v, p); }, x + begin, t + begin);
  });
}

template <class F, class T>
void add_losses(const PairLossArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  const V p = simd::Lane<T>(args.parameter);
  double* partials = args.partials.as<double>();
  parallel_for(args.x.numel(), kLossChunk, [&](int64_t begin, int64_t end) {
    const T* x = args.x.as<T>() + begin;
    const T* t = args.t.as<T>() + begin;
    partials[begin / kLossChunk] = simd::reduce_sum<T>(
        end - begin, [&](int64_t i, auto lanes) { return F::value(lanes.load(x + i), lanes.load(t + i), p); });
  });
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunk_count(args.x.numel(), kLossChunk); ++chunk) {
    sum += partials[chunk];
  }
  *args.total.as<T>() = convert<T>(ComputeType<T>(sum * args.scale));
}

template <class F, class T>
void write_gradients(const PairLossGradArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  const V p = simd::Lane<T>(args.parameter);
  const auto scale = ComputeType<T>(args.scale);
  const T* grad = args.grad.as<T>();
  const V common = args.is_common_grad ? widen(*grad) * scale : scale;
  parallel_for(args.x.numel(), kLossChunk, [&](int64_t begin, int64_t end) {
    const T* x = args.x.as<T>() + begin;
    const T* t = args.t.as<T>() + begin;
    const T* g = args.is_common_grad ? nullptr : grad + begin;
    T* dx = args.dx.defined() ? args.dx.as<T>() + begin : nullptr;
    T* dt = args.dt.defined() ? args.dt.as<T>() + begin : nullptr;
    simd::for_each_vec<T>(end - begin, [=](int64_t i, auto lanes) {
      const V u = lanes.load(x + i);
      const V v = lanes.load(t + i);
      const V factor = g == nullptr ? common : common * lanes.load(g + i);
      if (dx != nullptr) {
        lanes.store(dx + i, factor * F::by_input(u, v, p));
      }
      if (dt != nullptr) {
        lanes.store(dt + i, factor * F::by_target(u, v, p));
      }
    });
  });
}

}  // namespace

void pair_loss(const PairLossArgs& args) {
  visit_floating(args.x.dtype, "pair_loss", [&]<class T>() {
    visit_loss(args.loss, [&]<class F>() { args.total.defined() ? add_losses<F, T>(args) : write_losses<F, T>(args); });
  });
}

void pair_loss_grad(const PairLossGradArgs& args) {
  visit_floating(args.x.dtype, "pair_loss_grad",
                 [&]<class T>() { visit_loss(args.loss, [&]<class F>() { write_gradients<F, T>(args); }); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(pair_loss, PairLossArgs)
LV_CPU_KERNEL(pair_loss_grad, PairLossGradArgs)
