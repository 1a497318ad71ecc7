#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/product_math.h"

// Pixels as the depth of a product: lines of them packed into panels of channels.

namespace lv::kernels::cpu::LV_ISA {

/// Channels of pixels [image][line][column]; outside, and from pixel number `pixels` on, they are zero.
template <class T>
struct PixelArray {
  const T* data;
  int64_t lines, columns;
  int64_t step;  // elements between pixels
  int64_t channels;
  int64_t pixels;

  /// Pixels of a line: those in [begin, end) are at data + column * step.
  struct Line {
    const T* data;
    int64_t step, begin, end;

    /// Where a run of pixels begins, and the step to the next. Outside it is one vector of zeros, again and again:
    /// channel c is at data[c * channel_step] for every c that begins a vector.
    struct Run {
      const T* data;
      int64_t step, channel_step;

      [[nodiscard]] const T* at(int64_t channel) const { return data + channel * channel_step; }
    };
    [[nodiscard]] Run run(int64_t column) const {
      static constexpr T kZeros[simd::kVectorBytes / sizeof(T)]{};
      const bool is_inside = begin <= column && column < end;
      return is_inside ? Run{data + column * step, step, 1} : Run{&kZeros[0], 0, 0};
    }
    /// Where the run from `column` on ends, at most `most`.
    [[nodiscard]] int64_t run_end(int64_t column, int64_t most) const {
      return std::min(most, column < begin ? begin : column < end ? end : most);
    }
  };
  /// The line, with its columns counted from `first_column` and channels from `channel`.
  [[nodiscard]] Line line(int64_t image, int64_t number, int64_t first_column, int64_t channel) const {
    if (number < 0 || number >= lines) {
      return {nullptr, 0, 0, 0};
    }
    const int64_t pixel = (image * lines + number) * columns;
    const int64_t end = std::min(columns, pixels - pixel);
    return {data + (pixel + first_column) * step + channel, step, -first_column, end - first_column};
  }
};

/// Into how many equal bands `lines` divide: the fewest that are at least `wanted`. A band that ended early would pair
/// gradients of zero with pixels that belong to others, and what is not a number there would spread.
inline int64_t equal_bands(int64_t lines, int64_t wanted) {
  int64_t bands = std::clamp<int64_t>(wanted, 1, lines);
  while (lines % bands != 0) {
    ++bands;
  }
  return bands;
}

/// A vector of elements of one or, in pairs, two pixels as units.
template <class M, class T>
typename M::Units join_units(simd::Vec<simd::Lane<T>> first, simd::Vec<simd::Lane<T>> second) {
  using Units = typename M::Units;
  if constexpr (M::kDepth == 1) {
    return first;
  } else {
    return ((simd::bits_as<int32_t>(first) >> 16) & Units(0xffff)) | simd::bits_as<int32_t>(second);
  }
}

/// Panels of `width` channels each, `units` apart.
struct PixelPanels {
  int64_t count, width, units;
};

/// The first `channels` of the pixels of a line, or of two as pairs; zeros up to the panels' ends. Pixel by pixel, as
/// they lie in memory. Whole vectors are written: the last one of a pixel goes beyond its panel's width, into what the
/// next pixel overwrites.
template <class M, class T>
void pack_line(const typename PixelArray<T>::Line& one, const typename PixelArray<T>::Line& two, int64_t columns,
               int64_t channels, const PixelPanels& panels, typename M::Unit* to) {
  constexpr int64_t kLanes = M::Sums::kLanes;
  for (int64_t column = 0; column < columns;) {
    const int64_t end = two.run_end(column, one.run_end(column, columns));
    auto a = one.run(column);
    auto b = two.run(column);
    // Pixels without anything between them are as one of many channels.
    const bool is_dense = panels.count == 1 && channels == panels.width && a.step == channels && b.step == channels;
    const int64_t merged = is_dense ? end - column : 1;
    const int64_t width = merged * panels.width;
    for (; column < end; column += merged, a.data += a.step, b.data += b.step, to += width) {
      typename M::Unit* panel = to;
      for (int64_t first = 0; first < panels.count * width; first += width, panel += panels.units) {
        const int64_t limit = std::min(width, merged * channels - first);
        int64_t i = 0;
        for (; i + kLanes <= limit; i += kLanes) {
          simd::store(panel + i, join_units<M, T>(simd::load(a.at(first + i)), simd::load(b.at(first + i))));
        }
        for (; i < width; i += kLanes) {
          const int64_t present = std::max<int64_t>(limit - i, 0);
          simd::store(panel + i,
                      join_units<M, T>(simd::load(a.at(first + i), present), simd::load(b.at(first + i), present)));
        }
      }
    }
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
