#include "apps/data/image_resize.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "core/error.h"

namespace lv::data {

namespace {

constexpr int kPrecisionBits = 22;  // 8 bits of pixel and 2 of overshoot make 32
constexpr int kRounding = 1 << (kPrecisionBits - 1);
constexpr int64_t kBlock = 32;  // bytes that are resampled together along the columns
constexpr int64_t kGroup = 4;   // taps that are summed together along the rows

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

/// Eight bytes as integers.
__m256i load(const uint8_t* bytes) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
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

// A vector holds two neighbouring pixels with their four bytes each; the sums of even and odd taps meet at the end.
void resample_row(const RowArgs& args) {
  const auto* weight = reinterpret_cast<const __m256i*>(args.weights);
  uint8_t* out = args.out;
  for (int64_t x = 0; x < args.out_width; ++x) {
    const uint8_t* in = args.in + args.begins[x] * RowResizer::kPixelBytes;
    __m256i sum0 = _mm256_setzero_si256();
    __m256i sum1 = _mm256_setzero_si256();
    for (int64_t group = 0; group < args.groups; ++group) {
      sum0 = _mm256_add_epi32(sum0, _mm256_mullo_epi32(load(in), _mm256_loadu_si256(weight)));
      sum1 = _mm256_add_epi32(sum1, _mm256_mullo_epi32(load(in + 8), _mm256_loadu_si256(weight + 1)));
      in += kGroup * RowResizer::kPixelBytes;
      weight += 2;
    }
    const __m256i sum = _mm256_add_epi32(sum0, sum1);
    __m128i pixel = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    pixel = _mm_srai_epi32(_mm_add_epi32(pixel, _mm_set1_epi32(kRounding)), kPrecisionBits);
    pixel = _mm_packus_epi16(_mm_packs_epi32(pixel, pixel), pixel);  // saturates to 0..255
    const int32_t bytes = _mm_cvtsi128_si32(pixel);
    std::memcpy(out, &bytes, sizeof bytes);
    out += args.channels;
  }
}

struct ColumnArgs {
  const uint8_t* const* rows;  // [taps], read and written in whole blocks
  const int32_t* weights;      // [taps]
  int64_t taps;
  uint8_t* out;
  int64_t bytes;
};

void resample_columns(const ColumnArgs& args) {
  for (int64_t x = 0; x < args.bytes; x += kBlock) {
    const __m256i rounding = _mm256_set1_epi32(kRounding);
    __m256i sums[] = {rounding, rounding, rounding, rounding};
    for (int64_t k = 0; k < args.taps; ++k) {
      const __m256i weight = _mm256_set1_epi32(args.weights[k]);
      const uint8_t* const in = args.rows[k] + x;
      for (size_t part = 0; part < std::size(sums); ++part) {
        sums[part] = _mm256_add_epi32(sums[part], _mm256_mullo_epi32(load(in + 8 * part), weight));
      }
    }
    for (__m256i& sum : sums) {
      sum = _mm256_srai_epi32(sum, kPrecisionBits);
    }
    // Saturates to 0..255, within each half of the registers: the last step puts the fours of bytes in order.
    const __m256i bytes =
        _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]), _mm256_packs_epi32(sums[2], sums[3]));
    const __m256i ordered = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(args.out + x), ordered);
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
