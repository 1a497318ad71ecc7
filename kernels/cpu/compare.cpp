#include "kernels/compare.h"

#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// `array`, or the single `*constant` repeated where it is absent.
ConstTensorRef or_constant(const ConstTensorRef& array, const void* constant, const TensorRef& like) {
  return array.defined() ? array : ConstTensorRef{constant, like.shape, Strides::filled(like.rank(), 0), like.dtype};
}

}  // namespace

void compare(const CompareArgs& args) {
  visit_any(args.a.dtype, [&]<class T>() {
    const T scalar = convert<T>(args.scalar);
    const ConstTensorRef b = or_constant(args.b, &scalar, args.y);
    visit_comparison(args.comparison, [&]<class F>() {
      const auto block = [](int64_t n, bool* y, const T* u, const T* v) {
        for (int64_t i = 0; i < n; ++i) {
          y[i] = F::value(widen(u[i]), widen(v[i]));
        }
      };
      for_each_block(plan_blocks(args.a, b, args.y), block, args.y.as<bool>(), args.a.as<T>(), b.as<T>());
    });
  });
}

void select(const SelectArgs& args) {
  visit_word(args.y.dtype, [&]<class Word>() {
    const Word fill = word_of<Word>(args.fill, args.y.dtype);
    const ConstTensorRef a = or_constant(args.a, &fill, args.y);
    const ConstTensorRef b = or_constant(args.b, &fill, args.y);
    const auto block = [](int64_t n, Word* y, const uint8_t* mask, const Word* u, const Word* v) {
      for (int64_t i = 0; i < n; ++i) {
        const auto chosen = Word(-int64_t(mask[i]));  // all bits or none: a choice by ?: stays scalar code in GCC 12
        y[i] = (u[i] & chosen) | (v[i] & Word(~chosen));
      }
    };
    for_each_block(plan_blocks(args.mask, a, b, args.y), block, args.y.as<Word>(), args.mask.as<uint8_t>(),
                   a.as<Word>(), b.as<Word>());
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(compare, CompareArgs)
LV_CPU_KERNEL(select, SelectArgs)
