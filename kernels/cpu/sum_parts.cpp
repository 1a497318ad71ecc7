#include "kernels/sum_parts.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class T>
void sum_parts_typed(const SumPartsArgs& args) {
  const int64_t count = args.parts.size(0);
  const int64_t step = args.y.numel();
  parallel_for(step, 16384, [&](int64_t begin, int64_t end) {
    const float* parts = args.parts.as<float>() + begin;
    T* y = args.y.as<T>() + begin;
    simd::for_each_vec<float>(end - begin, [&](int64_t i, auto lanes) {
      auto sum = lanes.load(parts + i);
      for (int64_t part = 1; part < count; ++part) {
        sum += lanes.load(parts + part * step + i);
      }
      lanes.store(y + i, sum);
    });
  });
}

}  // namespace

void sum_parts(const SumPartsArgs& args) {
  if (args.y.dtype == DType::bf16) {
    sum_parts_typed<BFloat16>(args);
  } else {
    sum_parts_typed<float>(args);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(sum_parts, SumPartsArgs)
