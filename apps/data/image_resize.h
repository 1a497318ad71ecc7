#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "apps/data/image.h"

namespace lv::data {

/// Antialiased: the filter is as wide as the step of the sampling where that is above one pixel.
enum class Interpolation { bilinear, bicubic };

/// The stretch [begin, end) of an axis of in_size pixels, resampled to out_size pixels.
struct Stretch {
  int64_t in_size;
  double begin;
  double end;
  int64_t out_size;
};

/// The pixels that each pixel of one axis of the result is made of, and their weights in units of 2^-22.
struct ResizeWeights {
  int64_t taps = 0;  // room for each result, zeros beyond its count
  std::vector<int64_t> begins;
  std::vector<int64_t> counts;
  std::vector<int32_t> values;  // [out_size, taps]
};

/// Resamples a picture that comes row by row, in 8-bit fixed point: along the rows, rounded to 8 bits, then along the
/// columns; the other way round where the height shrinks by more than twice as much as the width. Bit-equal to
/// Image.resize of Pillow 13 (before 13, it always began with the rows).
class RowResizer {
 public:
  /// Rows have 4 bytes a pixel, of which `channels` are used, and kPadding readable bytes behind the last pixel.
  static constexpr int64_t kPixelBytes = 4;
  static constexpr int64_t kPadding = 12;

  RowResizer(const Stretch& rows, const Stretch& columns, int channels, Interpolation interpolation);

  /// Takes the next row of rows.in_size.
  void push(const uint8_t* pixels);
  /// The picture, once every row has been pushed.
  [[nodiscard]] Image take() { return std::move(result_); }

 private:
  [[nodiscard]] uint8_t* ring_row(int64_t slot) { return ring_.data() + slot * stride_; }
  void resample_along_row(const uint8_t* in, uint8_t* out) const;
  void emit(int64_t y);

  ResizeWeights rows_;
  bool begins_with_columns_;
  std::vector<int64_t> begins_;   // of the columns
  std::vector<int32_t> weights_;  // of the columns: [out_size, groups_, 4 taps, 4 bytes]
  int64_t groups_ = 0;
  int64_t ring_bytes_ = 0;  // used of each row of the ring
  std::vector<uint8_t>
      ring_;  // the last rows_.taps rows, as they are resampled along the columns, and a result of that
  int64_t stride_ = 0;
  std::vector<const uint8_t*> taps_;
  std::vector<uint8_t> out_row_;
  int64_t pushed_ = 0;
  int64_t emitted_ = 0;
  Image result_;
};

/// Resamples a picture to [height, width], bit-equal to Pillow's Image.resize. Throws Error for an empty size.
Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation);

}  // namespace lv::data
