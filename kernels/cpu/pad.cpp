#include "kernels/pad.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/words.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGrain = 32768;

/// The elements [from, from + n) of one row of y; `x` is the row's part of x, null in a pad.
template <class W>
void write_row_part(W* y, const W* x, int64_t from, int64_t n, int64_t before, int64_t length, W value) {
  const int64_t copy_from = x == nullptr ? n : std::clamp(before - from, int64_t{0}, n);
  const int64_t copy_to = std::clamp(before + length - from, copy_from, n);
  std::fill_n(y, copy_from, value);
  if (copy_to > copy_from) {
    std::memcpy(y + copy_from, x + (from + copy_from - before), size_t(copy_to - copy_from) * sizeof(W));
  }
  std::fill_n(y + copy_to, n - copy_to, value);
}

}  // namespace

void pad(const PadArgs& args) {
  const PadPlan& plan = args.plan;
  const int inner = plan.rank - 1;
  visit_words(args.y.dtype, [&]<class W>() {
    const W* x = args.x.as<W>();
    W* y = args.y.as<W>();
    parallel_for(args.y.numel(), kGrain, [&](int64_t from, int64_t to) {
      while (from < to) {
        const int64_t row = from / plan.out[inner];
        const int64_t at = from - row * plan.out[inner];
        const int64_t n = std::min(to - from, plan.out[inner] - at);
        const int64_t source = plan.source(row, inner);
        write_row_part(y + from, source < 0 ? nullptr : x + source * plan.in[inner], at, n, plan.before[inner],
                       plan.in[inner], W(args.value));
        from += n;
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(pad, PadArgs)
