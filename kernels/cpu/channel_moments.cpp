#include "kernels/channel_norm.h"
#include "kernels/cpu/channel_norm.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int kRowBlock = 8;

/// mean[c] += x[0][c] + ... + x[kRows - 1][c]
template <int kRows, class T, class A>
void add_rows(Rows<const T> x, int64_t row, int64_t channels, A* sum) {
  simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
    simd::prefetch_after(x[row] + c);
    auto rows_sum = lanes.load(x[row] + c);
    for (int r = 1; r < kRows; ++r) {
      simd::prefetch_after(x[row + r] + c);
      rows_sum += lanes.load(x[row + r] + c);
    }
    lanes.store(sum + c, lanes.load(sum + c) + rows_sum);
  });
}

/// sum[c] and square_sum[c] += the deviations of kRows rows from mean[c], and their squares.
template <int kRows, class T, class A>
void add_deviations(Rows<const T> x, int64_t row, int64_t channels, const A* mean, A* sum, A* square_sum) {
  simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
    const auto center = lanes.load(mean + c);
    auto total = lanes.load(sum + c);
    auto squares = lanes.load(square_sum + c);
    for (int r = 0; r < kRows; ++r) {
      const auto deviation = lanes.load(x[row + r] + c) - center;
      total += deviation;
      squares = fma(deviation, deviation, squares);
    }
    lanes.store(sum + c, total);
    lanes.store(square_sum + c, squares);
  });
}

/// partial: [3, C], left with the chunk's mean and its sum of squared deviations in rows 0 and 2.
template <class T, class A>
void chunk_moments(Rows<const T> x, const ChannelChunk& chunk, int64_t channels, A* partial) {
  std::fill_n(partial, 3 * channels, A(0));
  A* mean = partial;
  A* sum = partial + channels;
  A* square_sum = partial + 2 * channels;
  for_each_row_block<kRowBlock>(
      chunk.rows, [&](auto count, int64_t row) { add_rows<count.value>(x, chunk.row + row, channels, mean); });
  const A scale = A(1) / A(chunk.rows);
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] *= scale;
  }
  for_each_row_block<kRowBlock>(chunk.rows, [&](auto count, int64_t row) {
    add_deviations<count.value>(x, chunk.row + row, channels, mean, sum, square_sum);
  });
  for (int64_t c = 0; c < channels; ++c) {
    const A correction = sum[c] * scale;
    mean[c] += correction;
    square_sum[c] -= sum[c] * correction;
  }
}

/// Joins the chunks of one group for the channels [begin, end), at most kMaxWidth.
constexpr int64_t kMaxWidth = 64;
template <class A>
void combine_chunks(const ChannelSplit& split, int64_t group, int64_t begin, int64_t end, const A* partials, A* mean,
                    A* variance) {
  const int64_t width = end - begin;
  const A* parts = partials + group * split.chunks * 3 * split.channels + begin;
  const auto rows_of = [&](int64_t k) { return double(split.chunk(k).rows); };
  double center[kMaxWidth] = {};
  double squares[kMaxWidth] = {};
  for (int64_t k = 0; k < split.chunks; ++k) {
    for (int64_t c = 0; c < width; ++c) {
      center[c] += rows_of(k) * double(parts[k * 3 * split.channels + c]);
    }
  }
  const double scale = 1.0 / double(std::max<int64_t>(split.rows_per_group, 1));
  for (int64_t c = 0; c < width; ++c) {
    center[c] *= scale;
  }
  for (int64_t k = 0; k < split.chunks; ++k) {
    const A* part = parts + k * 3 * split.channels;
    for (int64_t c = 0; c < width; ++c) {
      const double distance = double(part[c]) - center[c];
      squares[c] += double(part[2 * split.channels + c]) + rows_of(k) * distance * distance;
    }
  }
  for (int64_t c = 0; c < width; ++c) {
    mean[group * split.channels + begin + c] = A(center[c]);
    variance[group * split.channels + begin + c] = A(std::max(squares[c] * scale, 0.0));
  }
}

}  // namespace

void channel_moments(const ChannelMomentsArgs& args) {
  visit_floating(args.x.dtype, "channel_moments", [&]<class T>() {
    using A = Accumulator<T>;
    const ChannelSplit split(args.x, args.mean.size(0));
    const Rows<const T> x(args.x);
    A* partials = args.partials.as<A>();
    split.for_each_chunk([&](const ChannelChunk& chunk) {
      chunk_moments(x, chunk, split.channels, partials + chunk.index * 3 * split.channels);
    });
    const int64_t blocks = (split.channels + kMaxWidth - 1) / kMaxWidth;
    const int64_t grain = std::max<int64_t>(1, 16384 / (kMaxWidth * std::max<int64_t>(split.chunks, 1)));
    parallel_for(split.groups * blocks, grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t begin = i % blocks * kMaxWidth;
        combine_chunks(split, i / blocks, begin, std::min(begin + kMaxWidth, split.channels), partials,
                       args.mean.as<A>(), args.variance.as<A>());
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(channel_moments, ChannelMomentsArgs)
