#include "kernels/dropout.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/philox.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGrain = 16384;
constexpr int kVectors = 4;
/// Elements whose factors are drawn together.
constexpr int64_t kDraws = kVectors * simd::Vec<float>::kLanes;

/// The factors of the elements begin .. begin + kDraws, where begin is a multiple of four.
void draw_factors(const DropoutArgs& args, int64_t begin, float* factors) {
  using V = simd::Vec<float>;
  const simd::RandomBits<kVectors> random(args.key, begin / 4);
  for (int v = 0; v < kVectors; ++v) {
    const V draw = simd::uniform_from_bits(random.bits[v]);
    simd::store(factors + v * V::kLanes, select(draw >= V(args.rate), V(args.scale), V(0)));
  }
}

template <class T>
void multiply(int64_t n, const T* x, const float* factors, T* y) {
  if constexpr (std::is_same_v<T, double>) {
    for (int64_t i = 0; i < n; ++i) {
      y[i] = x[i] * double(factors[i]);
    }
  } else {
    simd::map(n, y, [](auto value, auto factor) { return value * factor; }, x, factors);
  }
}

/// One draw an element.
template <class T>
void drop_elements(const DropoutArgs& args, int64_t begin, int64_t end) {
  alignas(64) float factors[kDraws];
  for (int64_t i = begin; i < end; i += kDraws) {
    draw_factors(args, i, factors);
    multiply(std::min(kDraws, end - i), args.x.as<T>() + i, factors, args.y.as<T>() + i);
  }
}

/// One draw a run of elements.
template <class T>
void drop_runs(const DropoutArgs& args, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end;) {
    const int64_t run = i / args.run;
    const int64_t stop = std::min(end, (run + 1) * args.run);
    const simd::Lane<T> factor = random_uniform(args.key, run) >= args.rate ? args.scale : 0.0F;
    simd::map(stop - i, args.y.as<T>() + i, [=](auto value) { return value * factor; }, args.x.as<T>() + i);
    i = stop;
  }
}

}  // namespace

void dropout(const DropoutArgs& args) {
  visit_floating(args.x.dtype, "dropout", [&]<class T>() {
    parallel_for(args.x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      if (args.run == 1) {
        drop_elements<T>(args, begin, end);
      } else {
        drop_runs<T>(args, begin, end);
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(dropout, DropoutArgs)
