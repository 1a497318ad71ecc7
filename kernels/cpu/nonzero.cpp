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

/// The places within [begin, end) of the nonzero elements, counted from `begin`; returns their number. Without a
/// branch, which random data would mislead: every place is written, and kept by counting it.
template <class T>
int64_t find_nonzero(const T* x, int64_t begin, int64_t end, int32_t (&places)[kNonzeroChunk + 1]) {
  int64_t count = 0;
  for (int64_t i = begin; i < end; ++i) {
    places[count] = int32_t(i - begin);
    count += convert<bool>(x[i]) ? 1 : 0;
  }
  return count;
}

/// Coordinates of begin + places[0 .. count), ascending: of two in one row of the last axis only the last one differs.
void write_positions(const Coordinates& coordinates, int64_t begin, const int32_t* places, int64_t count,
                     int64_t* out) {
  const int last = coordinates.rank - 1;
  int64_t row_end = begin;  // of the row that `out` is in
  for (int64_t k = 0; k < count; ++k, out += coordinates.rank) {
    const int64_t place = begin + places[k];
    if (k == 0 || place >= row_end) {
      coordinates.write(place, out);
      row_end = place + (last >= 0 ? coordinates.sizes[last] - out[last] : 1);
      continue;
    }
    for (int axis = 0; axis < last; ++axis) {
      out[axis] = out[axis - coordinates.rank];
    }
    out[last] = coordinates.sizes[last] - (row_end - place);
  }
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
      int32_t places[kNonzeroChunk + 1];
      const int64_t count = find_nonzero(x, begin, end, places);
      write_positions(coordinates, begin, places, count,
                      args.positions.as<int64_t>() + args.starts.as<int64_t>()[chunk] * coordinates.rank);
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(count_nonzero, CountNonzeroArgs)
LV_CPU_KERNEL(nonzero_positions, NonzeroPositionsArgs)
