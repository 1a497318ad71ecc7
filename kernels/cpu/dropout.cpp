#include "kernels/dropout.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGrain = 16384;

/// One draw an element: four come from one Philox block, which begins at a multiple of four.
template <class T>
void drop_elements(const DropoutArgs& args, int64_t begin, int64_t end) {
  const T* x = args.x.as<T>();
  T* y = args.y.as<T>();
  const auto scale = ComputeType<T>(args.scale);
  for (int64_t block = begin / 4; block * 4 < end; ++block) {
    const PhiloxWords words = random_block(args.key, block);
    const int64_t stop = std::min(end - block * 4, int64_t(4));
    for (int64_t lane = 0; lane < stop; ++lane) {
      const int64_t i = block * 4 + lane;
      const auto factor = uniform_from_bits(words.w[lane]) >= args.rate ? scale : ComputeType<T>(0);
      y[i] = convert<T>(widen(x[i]) * factor);
    }
  }
}

/// One draw a run of elements.
template <class T>
void drop_runs(const DropoutArgs& args, int64_t begin, int64_t end) {
  const T* x = args.x.as<T>();
  T* y = args.y.as<T>();
  for (int64_t i = begin; i < end;) {
    const int64_t run = i / args.run;
    const int64_t stop = std::min(end, (run + 1) * args.run);
    const auto factor = ComputeType<T>(random_uniform(args.key, run) >= args.rate ? args.scale : 0.0F);
    for (; i < stop; ++i) {
      y[i] = convert<T>(widen(x[i]) * factor);
    }
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
