#include "tests/kernels/simd_probe.h"

namespace lv::test {

std::vector<const SimdProbe*> simd_levels() {
  std::vector<const SimdProbe*> result = {&base::kSimdProbe};
#if defined(LV_HAVE_ISA_v3)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    result.push_back(&v3::kSimdProbe);
  }
#endif
#if defined(LV_HAVE_ISA_v4)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    result.push_back(&v4::kSimdProbe);
  }
#endif
  return result;
}

}  // namespace lv::test
