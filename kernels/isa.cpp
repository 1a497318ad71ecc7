#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu {

namespace {

IsaLevel detect() {
  __builtin_cpu_init();
  LV_CHECK(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
           "longview: this processor lacks AVX2 and FMA, the least the CPU kernels need (x86-64-v3)");
  const char* wanted = std::getenv("LV_ISA_LEVEL");
  const bool has_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  return has_v4 && (wanted == nullptr || std::string_view(wanted) != "v3") ? IsaLevel::v4 : IsaLevel::v3;
}

}  // namespace

IsaLevel isa_level() {
  static const IsaLevel level = detect();
  return level;
}

bool has_bf16_dot() {
  static const bool has = isa_level() == IsaLevel::v4 && __builtin_cpu_supports("avx512bf16");
  return has;
}

}  // namespace lv::kernels::cpu
