#pragma once

// kernels/cpu is compiled once per instruction-set level (LV_ISA = v3, v4), each time into lv::kernels::cpu::LV_ISA.
// LV_CPU_KERNEL(name, Args), written at the end of the file that defines `name` in that namespace, makes
// kernels::cpu::name choose the level by what the processor has.

namespace lv::kernels::cpu {

enum class IsaLevel { v3, v4 };

/// The highest level that this processor has and this build contains; the environment's LV_ISA_LEVEL=v3 lowers it.
IsaLevel isa_level();

/// Whether the processor multiplies pairs of bfloat16 (AVX512_BF16); never below level v4.
bool has_bf16_dot();

}  // namespace lv::kernels::cpu

#if defined(LV_ISA_IS_BASE) && defined(LV_HAVE_ISA_v4) && !defined(LV_ISA_v4)
#define LV_CPU_KERNEL(name, Args)      \
  namespace lv::kernels::cpu {         \
  namespace v4 {                       \
  void name(const Args& args);         \
  }                                    \
  void name(const Args& args) {        \
    if (isa_level() == IsaLevel::v4) { \
      v4::name(args);                  \
    } else {                           \
      LV_ISA::name(args);              \
    }                                  \
  }                                    \
  }
#elif defined(LV_ISA_IS_BASE)
#define LV_CPU_KERNEL(name, Args)                     \
  namespace lv::kernels::cpu {                        \
  void name(const Args& args) { LV_ISA::name(args); } \
  }
#else
#define LV_CPU_KERNEL(name, Args)
#endif
