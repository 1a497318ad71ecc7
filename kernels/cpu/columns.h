#pragma once

#include "kernels/conv.h"
#include "kernels/cpu/gather_product.h"
#include "kernels/cpu/outer_product.h"

// Convolutions of few input channels: the first layers of networks. A vector's lanes would mostly idle on 3 channels,
// so what a filter reads is laid out as one row for each output pixel, [taps * C], and multiplied as a matrix.

namespace lv::kernels::cpu::LV_ISA {

struct ColumnTag;
struct ColumnGradTag;
struct ColumnSumTag;
struct PaddedTag;

/// Lines of the output that one task takes: all images' lines, counted through.
struct LineChunk {
  int64_t first, count;
};

class Columns {
 public:
  /// x: [N, H, W, C].
  Columns(const ConvShape& shape, const Shape& x) : shape_(shape), channels_(x[3]), images_(x[0]) {}

  static bool suits(const ConvShape& shape, const Shape& weight) {
    constexpr int64_t kFew = 4;
    return shape.groups == 1 && weight[3] <= kFew && weight[1] * weight[2] > 1;
  }

  [[nodiscard]] int64_t filter() const { return shape_.height.kernel * shape_.width.kernel * channels_; }
  [[nodiscard]] int64_t line_pixels() const { return shape_.width.out; }
  [[nodiscard]] int64_t lines() const { return images_ * shape_.height.out; }

  /// Calls fn(chunk, index) for all lines in chunks whose rows stay in the second-level cache, in parallel.
  template <class Fn>
  void for_each_chunk(Fn&& fn) const {
    parallel_for(lines(), chunk_lines(),
                 [&](int64_t begin, int64_t end) { fn(LineChunk{begin, end - begin}, begin / chunk_lines()); });
  }
  [[nodiscard]] int64_t chunks() const { return chunk_count(lines(), chunk_lines()); }

  /// Elements that the rows of a chunk take, and what gather() writes beyond them.
  [[nodiscard]] size_t elements(const LineChunk& chunk) const {
    return size_t(chunk.count * line_pixels() * filter() + simd::kVectorBytes);
  }

  /// What the filters read for the pixels of a chunk: [pixels, taps * C].
  template <class T, class D>
  void gather(const T* x, const LineChunk& chunk, D* to) const {
    const auto& [height, width, groups] = shape_;
    const T* end = x + images_ * height.in * width.in * channels_;
    for (int64_t line = chunk.first; line < chunk.first + chunk.count; ++line) {
      const T* image = x + line / height.out * height.in * width.in * channels_;
      for (int64_t o = 0; o < width.out; ++o) {
        for (int64_t tap = 0; tap < height.kernel; ++tap) {
          const int64_t in_line = line % height.out * height.stride - height.padding + tap * height.dilation;
          gather_taps(in_line < 0 || in_line >= height.in ? nullptr : image + in_line * width.in * channels_, o, end,
                      to);
          to += width.kernel * channels_;
        }
      }
    }
  }

  /// Adds rows as gather() makes them to where they were read. image: [H + 2 padding, W + 2 padding, C].
  template <class S>
  void scatter(const S* rows, const LineChunk& chunk, S* image) const {
    const auto& [height, width, groups] = shape_;
    const int64_t padded_columns = width.in + 2 * width.padding;
    for (int64_t line = chunk.first; line < chunk.first + chunk.count; ++line) {
      for (int64_t o = 0; o < width.out; ++o) {
        for (int64_t tap = 0; tap < height.kernel; ++tap) {
          const int64_t in_line = line % height.out * height.stride + tap * height.dilation;
          S* to = image + (in_line * padded_columns + o * width.stride) * channels_;
          const int64_t step = width.dilation * channels_;
          for (int64_t column = 0; column < width.kernel; ++column, rows += channels_) {
            for (int64_t c = 0; c < channels_; ++c) {
              to[column * step + c] += rows[c];
            }
          }
        }
      }
    }
  }

  /// The pixels of a chunk as one line of a product's rows.
  [[nodiscard]] GatherShape rows_of(const LineChunk& chunk, int64_t in_pixel, int64_t out_pixel) const {
    const int64_t pixels = chunk.count * line_pixels();
    return {.images = 1,
            .lines = 1,
            .columns = pixels,
            .in_lines = 1,
            .in_columns = pixels,
            .taps = {{0, 0}},
            .in_pixel = in_pixel,
            .out_image = 0,
            .out_line = 0,
            .out_pixel = out_pixel};
  }

  [[nodiscard]] int64_t chunk_lines() const {
    constexpr int64_t kChunkElements = 1 << 17;
    return std::clamp<int64_t>(kChunkElements / (line_pixels() * filter()), 1, shape_.height.out);
  }

 private:
  template <class T, class D>
  void gather_taps(const T* line, int64_t o, const T* end, D* to) const {
    const ConvAxis& width = shape_.width;
    const int64_t first = o * width.stride - width.padding;
    const int64_t size = width.kernel * channels_;
    if (line != nullptr && width.dilation == 1 && first >= 0 && first + width.kernel <= width.in) {
      copy_run(line + first * channels_, size, end, to);
      return;
    }
    for (int64_t i = 0; i < size; ++i) {
      const int64_t column = first + i / channels_ * width.dilation;
      const bool is_inside = line != nullptr && column >= 0 && column < width.in;
      to[i] = is_inside ? convert<D>(line[column * channels_ + i % channels_]) : D(0.0F);
    }
  }

  /// Copies whole vectors where what lies behind the run may be read; the next run overwrites what they write too much.
  template <class T, class D>
  static void copy_run(const T* from, int64_t size, const T* end, D* to) {
    constexpr int64_t kStep = std::is_same_v<T, D> ? simd::kVectorBytes / sizeof(T) : simd::Vec<float>::kLanes;
    const bool is_whole = end - from >= size + kStep;
    for (int64_t i = 0; is_whole && i < size; i += kStep) {
      if constexpr (std::is_same_v<T, D>) {
        std::memcpy(to + i, from + i, simd::kVectorBytes);
      } else {
        simd::store(to + i, simd::load(from + i));
      }
    }
    for (int64_t i = 0; !is_whole && i < size; ++i) {
      to[i] = convert<D>(from[i]);
    }
  }

  ConvShape shape_;
  int64_t channels_, images_;
};

/// Residual and ReLU of results that begin at element `first` of y.
template <class M, class T>
void set_finish(GatherProduct<M, T>& product, const ConvArgs& args, int64_t first) {
  product.set_finish(args.residual.defined() ? args.residual.as<T>() + first : nullptr, args.relu);
}

/// conv() for filters of whole units.
template <class M, class T>
void conv_by_columns(const ConvArgs& args) {
  const Columns columns(args.shape, args.x.shape);
  const int64_t filter = columns.filter();
  const int64_t outs = args.y.size(3);
  columns.for_each_chunk([&](const LineChunk& chunk, int64_t) {
    T* rows = thread_scratch<ColumnTag, T>(columns.elements(chunk));
    columns.gather(args.x.as<T>(), chunk, rows);
    const int64_t tap = 0;
    const int64_t first = chunk.first * columns.line_pixels() * outs;
    const GatherShape shape = columns.rows_of(chunk, filter, outs);
    GatherProduct<M, T> product(shape, rows,
                                {.data = args.weight.as<T>(),
                                 .taps = {&tap, 1},
                                 .depth = filter,
                                 .columns = outs,
                                 .depth_step = 1,
                                 .column_step = filter},
                                args.bias.as<T>(), args.y.as<T>() + first);
    set_finish(product, args, first);
    product.run();
  });
}

/// dx: the rows' gradients, added up where the filters read. One task an image, for lines of neighbours overlap.
template <class M, class T>
void input_grad_by_columns(const ConvInputGradArgs& args) {
  using S = ComputeType<T>;
  const Columns columns(args.shape, args.dx.shape);
  const auto& [height, width, groups] = args.shape;
  const int64_t filter = columns.filter();
  const int64_t outs = args.grad.size(3);
  const int64_t channels = args.dx.size(3);
  const int64_t padded_columns = width.in + 2 * width.padding;
  parallel_for(args.dx.size(0), 1, [&](int64_t image, int64_t) {
    const int64_t padded_size = (height.in + 2 * height.padding) * padded_columns * channels;
    S* padded = thread_scratch<PaddedTag, S>(size_t(padded_size));
    std::fill_n(padded, padded_size, S(0));
    for (int64_t line = 0; line < height.out; line += columns.chunk_lines()) {
      const LineChunk chunk{image * height.out + line, std::min(columns.chunk_lines(), height.out - line)};
      S* rows = thread_scratch<ColumnTag, S>(columns.elements(chunk));
      const int64_t tap = 0;
      GatherProduct<M, T, S>(columns.rows_of(chunk, outs, filter),
                             args.grad.as<T>() + chunk.first * columns.line_pixels() * outs,
                             {.data = args.weight.as<T>(),
                              .taps = {&tap, 1},
                              .depth = outs,
                              .columns = filter,
                              .depth_step = filter,
                              .column_step = 1},
                             nullptr, rows)
          .run();
      columns.scatter(rows, chunk, padded);
    }
    T* dx = args.dx.as<T>() + image * height.in * width.in * channels;
    for (int64_t line = 0; line < height.in; ++line, dx += width.in * channels) {
      const S* from = padded + ((line + height.padding) * padded_columns + width.padding) * channels;
      std::transform(from, from + width.in * channels, dx, [](S value) { return convert<T>(value); });
    }
  });
}

/// dweight: the sums of a chunk are its own, and added in the order of the chunks.
template <class T>
void weight_grad_by_columns(const ConvWeightGradArgs& args) {
  using S = ComputeType<T>;
  const Columns columns(args.shape, args.x.shape);
  const int64_t filter = columns.filter();
  const int64_t outs = args.grad.size(3);
  const int64_t size = outs * filter;
  S* sums = thread_scratch<ColumnSumTag, S>(size_t(columns.chunks() * size));
  columns.for_each_chunk([&](const LineChunk& chunk, int64_t index) {
    const int64_t pixels = chunk.count * columns.line_pixels();
    S* rows = thread_scratch<ColumnTag, S>(columns.elements(chunk));
    S* grad = thread_scratch<ColumnGradTag, S>(size_t(pixels * outs));
    columns.gather(args.x.as<T>(), chunk, rows);
    const T* from = args.grad.as<T>() + chunk.first * columns.line_pixels() * outs;
    std::transform(from, from + pixels * outs, grad, [](T value) { return widen(value); });
    outer_product<PlainMath<S>>(grad, outs, outs, rows, filter, filter, pixels, sums + index * size);
  });
  parallel_for(size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t index = 1; index < columns.chunks(); ++index) {
      for (int64_t i = begin; i < end; ++i) {
        sums[i] += sums[index * size + i];
      }
    }
    std::transform(sums + begin, sums + end, args.dweight.as<T>() + begin, [](S value) { return convert<T>(value); });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA
