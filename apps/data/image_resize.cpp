#include "apps/data/image_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "apps/data/image_clones.h"
#include "core/error.h"

namespace lv::data {

namespace {

constexpr int kPrecisionBits = 22;  // 8 bits of pixel and 2 of overshoot make 32
constexpr int64_t kBlock = 16;      // bytes that are resampled together along the columns
constexpr int64_t kGroup = 4;       // taps that are summed together along the rows

using Bytes16 [[gnu::vector_size(16)]] = uint8_t;
using Ints4 [[gnu::vector_size(16)]] = int32_t;
using Ints8 [[gnu::vector_size(32)]] = int32_t;
using Ints16 [[gnu::vector_size(64)]] = int32_t;
using Bytes4 [[gnu::vector_size(4)]] = uint8_t;

double bilinear(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

/// Cubic convolution with a = -1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) {
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  }
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

int32_t to_fixed_point(double weight) { return int32_t(std::copysign(0.5, weight) + weight * (1 << kPrecisionBits)); }

ResizeWeights weights(const Stretch& axis, Interpolation interpolation) {
  const bool cubic = interpolation == Interpolation::bicubic;
  const double step = (axis.end - axis.begin) / double(axis.out_size);
  const double width = std::max(step, 1.0);
  const double support = (cubic ? 2.0 : 1.0) * width;
  const double inverse_width = 1 / width;
  ResizeWeights result;
  result.taps = int64_t(std::ceil(support)) * 2 + 1;
  result.values.assign(size_t(axis.out_size * result.taps), 0);
  std::vector<double> exact(size_t(result.taps));
  for (int64_t i = 0; i < axis.out_size; ++i) {
    const double center = axis.begin + (double(i) + 0.5) * step;
    const int64_t begin = std::max<int64_t>(int64_t(center - support + 0.5), 0);
    const int64_t count = std::min<int64_t>(int64_t(center + support + 0.5), axis.in_size) - begin;
    double total = 0;
    for (int64_t k = 0; k < count; ++k) {
      const double x = (double(k + begin) - center + 0.5) * inverse_width;
      exact[size_t(k)] = cubic ? bicubic(x) : bilinear(x);
      total += exact[size_t(k)];
    }
    for (int64_t k = 0; k < count; ++k) {
      const double weight = exact[size_t(k)];
      result.values[size_t(i * result.taps + k)] = to_fixed_point(total != 0 ? weight / total : weight);
    }
    result.begins.push_back(begin);
    result.counts.push_back(count);
  }
  return result;
}

[[gnu::always_inline]] inline Ints16 load(const uint8_t* bytes) {
  Bytes16 loaded;
  std::memcpy(&loaded, bytes, sizeof loaded);
  return __builtin_convertvector(loaded, Ints16);
}

template <class Ints>
[[gnu::always_inline]] inline Ints round_and_clip(Ints sum) {
  sum = (sum + (1 << (kPrecisionBits - 1))) >> kPrecisionBits;
  sum = sum < 0 ? Ints{} : sum;
  return sum > 255 ? Ints{} + 255 : sum;
}

struct RowArgs {
  const uint8_t* in;       // [width, 4]
  const int64_t* begins;   // [out_width]
  const int32_t* weights;  // [out_width, groups, 4, 4]
  int64_t groups;
  uint8_t* out;  // [out_width, channels], written up to 3 bytes beyond
  int64_t out_width;
  int channels;
};

// A vector holds four neighbouring pixels with their four bytes each, so that four taps are summed at a time.
LV_CLONED void resample_row(const RowArgs& args) {
  const int32_t* weight = args.weights;
  uint8_t* out = args.out;
  for (int64_t x = 0; x < args.out_width; ++x) {
    const uint8_t* in = args.in + args.begins[x] * RowResizer::kPixelBytes;
    Ints16 sum = {};
    for (int64_t group = 0; group < args.groups; ++group) {
      Ints16 group_weights;
      std::memcpy(&group_weights, weight, sizeof group_weights);
      sum += load(in) * group_weights;
      in += sizeof(Bytes16);
      weight += kGroup * RowResizer::kPixelBytes;
    }
    const Ints8 half = __builtin_shufflevector(sum, sum, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(sum, sum, 8, 9, 10, 11, 12, 13, 14, 15);
    const Ints4 quarter =
        __builtin_shufflevector(half, half, 0, 1, 2, 3) + __builtin_shufflevector(half, half, 4, 5, 6, 7);
    const Bytes4 pixel = __builtin_convertvector(round_and_clip(quarter), Bytes4);
    std::memcpy(out, &pixel, sizeof pixel);
    out += args.channels;
  }
}

struct ColumnArgs {
  const uint8_t* const* rows;  // [taps]
  const int32_t* weights;      // [taps]
  int64_t taps;
  uint8_t* out;  // written in whole blocks
  int64_t bytes;
};

LV_CLONED void resample_columns(const ColumnArgs& args) {
  for (int64_t x = 0; x < args.bytes; x += kBlock) {
    Ints16 sum = {};
    for (int64_t k = 0; k < args.taps; ++k) {
      sum += load(args.rows[k] + x) * args.weights[k];
    }
    const Bytes16 block = __builtin_convertvector(round_and_clip(sum), Bytes16);
    std::memcpy(args.out + x, &block, sizeof block);
  }
}

int64_t whole_blocks(int64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

}  // namespace

RowResizer::RowResizer(const Stretch& rows, const Stretch& columns, int channels, Interpolation interpolation)
    : rows_(weights(rows, interpolation)),
      begins_with_columns_(rows.out_size < rows.in_size &&
                           rows.in_size - rows.out_size > 2 * (columns.in_size - columns.out_size)),
      result_(rows.out_size, columns.out_size, channels) {
  const ResizeWeights exact = weights(columns, interpolation);
  groups_ = (*std::max_element(exact.counts.begin(), exact.counts.end()) + kGroup - 1) / kGroup;
  const int64_t last_begin = std::max<int64_t>(columns.in_size - groups_ * kGroup, 0);
  weights_.assign(size_t(columns.out_size * groups_ * kGroup * kPixelBytes), 0);
  for (int64_t x = 0; x < columns.out_size; ++x) {
    // Whole groups are read: those of the right border begin further left instead of reading beyond the row.
    const int64_t begin = std::min(exact.begins[size_t(x)], last_begin);
    const int64_t shift = exact.begins[size_t(x)] - begin;
    for (int64_t k = 0; k < exact.counts[size_t(x)]; ++k) {
      std::fill_n(weights_.begin() + (x * groups_ * kGroup + shift + k) * kPixelBytes, kPixelBytes,
                  exact.values[size_t(x * exact.taps + k)]);
    }
    begins_.push_back(begin);
  }
  ring_bytes_ = begins_with_columns_ ? columns.in_size * kPixelBytes : result_.row_bytes();
  stride_ = whole_blocks(ring_bytes_ + kPadding);
  ring_.resize(size_t((rows_.taps + 1) * stride_));
  taps_.resize(size_t(rows_.taps));
  out_row_.resize(size_t(result_.row_bytes() + kPixelBytes));
}

void RowResizer::resample_along_row(const uint8_t* in, uint8_t* out) const {
  resample_row({.in = in,
                .begins = begins_.data(),
                .weights = weights_.data(),
                .groups = groups_,
                .out = out,
                .out_width = result_.width,
                .channels = result_.channels});
}

void RowResizer::push(const uint8_t* pixels) {
  uint8_t* const row = ring_row(pushed_ % rows_.taps);
  if (begins_with_columns_) {
    std::memcpy(row, pixels, size_t(ring_bytes_));
  } else {
    resample_along_row(pixels, row);
  }
  ++pushed_;
  while (emitted_ < result_.height && rows_.begins[size_t(emitted_)] + rows_.counts[size_t(emitted_)] <= pushed_) {
    emit(emitted_++);
  }
}

void RowResizer::emit(int64_t y) {
  const int64_t count = rows_.counts[size_t(y)];
  for (int64_t k = 0; k < count; ++k) {
    taps_[size_t(k)] = ring_row((rows_.begins[size_t(y)] + k) % rows_.taps);
  }
  uint8_t* const resampled = ring_row(rows_.taps);
  resample_columns({.rows = taps_.data(),
                    .weights = rows_.values.data() + y * rows_.taps,
                    .taps = count,
                    .out = resampled,
                    .bytes = ring_bytes_});
  if (begins_with_columns_) {
    resample_along_row(resampled, out_row_.data());
  }
  std::memcpy(result_.row(y), begins_with_columns_ ? out_row_.data() : resampled, size_t(result_.row_bytes()));
}

Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation) {
  LV_CHECK(image.height > 0 && image.width > 0 && height > 0 && width > 0, "resize: {} x {} to {} x {} pixels",
           image.height, image.width, height, width);
  if (height == image.height && width == image.width) {
    return image;
  }
  RowResizer resizer({image.height, 0, double(image.height), height}, {image.width, 0, double(image.width), width},
                     image.channels, interpolation);
  std::vector<uint8_t> row(size_t(image.width * RowResizer::kPixelBytes + RowResizer::kPadding));
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* pixel = image.row(y);
    for (int64_t x = 0; x < image.width; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        row[size_t(x * RowResizer::kPixelBytes + c)] = pixel[c];
      }
      pixel += image.channels;
    }
    resizer.push(row.data());
  }
  return resizer.take();
}

}  // namespace lv::data
