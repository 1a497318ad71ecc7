#include "kernels/nonzero.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/nonzero.cell.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Calls fn(chunk, begin, end) for every chunk of elements, in parallel.
template <class Fn>
void for_each_chunk(int64_t n, Fn&& fn) {
  constexpr int64_t kChunksPerTask = 32;
  parallel_for(chunk_count(n, kNonzeroChunk), kChunksPerTask, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; ++chunk) {
      fn(chunk, chunk * kNonzeroChunk, std::min(n, (chunk + 1) * kNonzeroChunk));
    }
  });
}

}  // namespace

void count_nonzero(const CountNonzeroArgs& args) {
  visit_any(args.x.dtype, [&]<class T>() {
    const T* const x = args.x.as<T>();
    for_each_chunk(args.x.numel(), [&](int64_t chunk, int64_t begin, int64_t end) {
      int64_t count = 0;
      for (int64_t i = begin; i < end; ++i) {
        count += convert<bool>(x[i]) ? 1 : 0;
      }
      args.counts.as<int64_t>()[chunk] = count;
    });
  });
}

void nonzero_positions(const NonzeroPositionsArgs& args) {
  const Coordinates coordinates(args.x.shape);
  visit_any(args.x.dtype, [&]<class T>() {
    const T* const x = args.x.as<T>();
    for_each_chunk(args.x.numel(), [&](int64_t chunk, int64_t begin, int64_t end) {
      int64_t* out = args.positions.as<int64_t>() + args.starts.as<int64_t>()[chunk] * coordinates.rank;
      for (int64_t i = begin; i < end; ++i) {
        if (convert<bool>(x[i])) {
          coordinates.write(i, out);
          out += coordinates.rank;
        }
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(count_nonzero, CountNonzeroArgs)
LV_CPU_KERNEL(nonzero_positions, NonzeroPositionsArgs)
