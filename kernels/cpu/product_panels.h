#pragma once

#include <span>

#include "core/parallel.h"
#include "kernels/cpu/product_tile.h"
#include "kernels/cpu/transpose.h"

// The right operand of a product, rearranged so that a tile reads it from front to back.

namespace lv::kernels::cpu::LV_ISA {

/// The right operand in memory: element (tap, k, column) at data[taps[tap] + k * depth_step + column * column_step].
template <class T>
struct PanelSource {
  const T* data;
  std::span<const int64_t> taps;
  int64_t depth, columns;
  int64_t depth_step, column_step;
};

/// to[i] = the unit of first[i] and, in pairs, second[i]; `second` is nullptr where there is none.
template <class M, class T>
void pack_row(const T* first, const T* second, int64_t count, typename M::Unit* to) {
  if constexpr (M::kDepth == 1) {
    for (int64_t i = 0; i < count; ++i) {
      to[i] = widen(first[i]);
    }
  } else if (second == nullptr) {
    for (int64_t i = 0; i < count; ++i) {
      to[i] = first[i].bits;
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      to[i] = int32_t(first[i].bits | uint32_t(second[i].bits) << 16);
    }
  }
}

/// Columns [first, first + count) of a tap, count <= kTileColumns, as [units][kTileColumns]; zeros in the rest.
template <class M, class T>
void pack_tap(const PanelSource<T>& source, int64_t tap, int64_t first, int64_t count, typename M::Unit* to) {
  using Unit = typename M::Unit;
  constexpr int64_t kColumns = kTileColumns<M>;
  const T* from = source.data + source.taps[size_t(tap)] + first * source.column_step;
  const int64_t units = units_of<M>(source.depth);
  if (count < kColumns) {
    std::fill_n(to, units * kColumns, Unit(0));
  }
  if (source.column_step == 1) {
    for (int64_t k = 0; k < source.depth; k += M::kDepth) {
      const T* row = from + k * source.depth_step;
      pack_row<M>(row, k + 1 < source.depth ? row + source.depth_step : nullptr, count, to + k / M::kDepth * kColumns);
    }
    return;
  }
  int64_t turned = 0;  // units that whole tiles take
  constexpr int64_t kSide = kTile<Unit>;
  if constexpr (kReadsInPlace<M, T>) {
    if (source.depth_step == 1 && source.column_step % M::kDepth == 0 && count == kColumns) {
      turned = source.depth / M::kDepth / kSide * kSide;
      const auto* units_at = reinterpret_cast<const Unit*>(from);
      const int64_t step = source.column_step / M::kDepth;
      // Along the depth first: the processor foresees what each of the loads reads next.
      for (int64_t column = 0; column < kColumns; column += kSide) {
        for (int64_t k = 0; k < turned; k += kSide) {
          transpose_tile(units_at + column * step + k, step, to + k * kColumns + column, kColumns);
        }
      }
    }
  }
  for (int64_t column = 0; column < count; ++column) {
    for (int64_t unit = turned; unit < units; ++unit) {
      const int64_t k = unit * M::kDepth;
      const T* element = from + column * source.column_step + k * source.depth_step;
      pack_row<M>(element, k + 1 < source.depth ? element + source.depth_step : nullptr, 1,
                  to + unit * kColumns + column);
    }
  }
}

/// Panel `panel` of the operand: [taps][units][kTileColumns].
template <class M, class T>
void pack_panel(const PanelSource<T>& source, int64_t panel, typename M::Unit* to) {
  const int64_t first = panel * kTileColumns<M>;
  const int64_t count = std::min<int64_t>(kTileColumns<M>, source.columns - first);
  for (int64_t tap = 0; tap < int64_t(source.taps.size()); ++tap) {
    pack_tap<M>(source, tap, first, count, to + tap * units_of<M>(source.depth) * kTileColumns<M>);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
