#include <vector>

#include "kernels/conv.h"
#include "kernels/cpu/blocked_product.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// For every position of an axis and every tap, the position it reads in the other array, or -1.
class TapTable {
 public:
  /// Positions of the output, which read the input.
  static TapTable forward(const ConvAxis& axis) {
    TapTable table(axis.out, axis.kernel);
    table.fill([&](int64_t o, int64_t tap) {
      const int64_t i = o * axis.stride - axis.padding + tap * axis.dilation;
      return i >= 0 && i < axis.in ? i : -1;
    });
    return table;
  }
  /// Positions of the input, which read the outputs that read them.
  static TapTable backward(const ConvAxis& axis) {
    TapTable table(axis.in, axis.kernel);
    table.fill([&](int64_t i, int64_t tap) {
      const int64_t scaled = i + axis.padding - tap * axis.dilation;
      return scaled >= 0 && scaled % axis.stride == 0 && scaled / axis.stride < axis.out ? scaled / axis.stride : -1;
    });
    return table;
  }

  [[nodiscard]] int64_t positions() const { return positions_; }
  [[nodiscard]] int64_t taps() const { return taps_; }
  [[nodiscard]] int64_t source(int64_t position, int64_t tap) const { return sources_[size_t(position * taps_ + tap)]; }

 private:
  TapTable(int64_t positions, int64_t taps) : positions_(positions), taps_(taps), sources_(size_t(positions * taps)) {}

  template <class Fn>
  void fill(Fn&& fn) {
    for (int64_t i = 0; i < positions_ * taps_; ++i) {
      sources_[size_t(i)] = fn(i / taps_, i % taps_);
    }
  }

  int64_t positions_;
  int64_t taps_;
  std::vector<int64_t> sources_;
};

/// The matrix of a convolution: a row for every pixel, a column for every (tap, channel); read from the array in place.
template <class T>
struct PixelMatrix {
  const T* data;     // first channel of the group
  Shape shape;       // [N, H, W, C] of the array that is read
  int64_t channels;  // of the group
  const TapTable& rows;
  const TapTable& columns;

  /// The channels that `pixel` reads through `tap`; nullptr in the padding.
  [[nodiscard]] const T* source(int64_t pixel, int64_t tap) const {
    const int64_t column = columns.source(pixel % columns.positions(), tap % columns.taps());
    const int64_t line = pixel / columns.positions();
    const int64_t row = rows.source(line % rows.positions(), tap / columns.taps());
    return row < 0 || column < 0 ? nullptr
                                 : data + (((line / rows.positions()) * shape[1] + row) * shape[2] + column) * shape[3];
  }
};

/// Rows of a PixelMatrix as the rows of a product, its columns as the depth.
template <class T>
struct PixelRows {
  PixelMatrix<T> matrix;

  template <int kWidth, class W>
  void pack(W* to, int64_t first, int64_t count, int64_t depth_first, int64_t depth) const {
    std::fill_n(to, kWidth * depth, W(0));
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t k = 0; k < depth;) {
        const int64_t channel = (depth_first + k) % matrix.channels;
        const int64_t run = std::min(matrix.channels - channel, depth - k);
        if (const T* from = matrix.source(first + i, (depth_first + k) / matrix.channels); from != nullptr) {
          for (int64_t c = 0; c < run; ++c) {
            to[(k + c) * kWidth + i] = widen(from[channel + c]);
          }
        }
        k += run;
      }
    }
  }
};

/// Columns of a PixelMatrix as the columns of a product, its rows as the depth.
template <class T>
struct PixelColumns {
  PixelMatrix<T> matrix;

  template <int kWidth, class W>
  void pack(W* to, int64_t first, int64_t count, int64_t depth_first, int64_t depth) const {
    std::fill_n(to, kWidth * depth, W(0));
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t i = 0; i < count;) {
        const int64_t channel = (first + i) % matrix.channels;
        const int64_t run = std::min(matrix.channels - channel, count - i);
        if (const T* from = matrix.source(depth_first + k, (first + i) / matrix.channels); from != nullptr) {
          for (int64_t c = 0; c < run; ++c) {
            to[k * kWidth + i + c] = widen(from[channel + c]);
          }
        }
        i += run;
      }
    }
  }
};

/// Channels of one group on either side, and what one output channel's weights take.
struct GroupSizes {
  int64_t in;
  int64_t out;
  int64_t taps;
  int64_t filter;

  GroupSizes(const ConvShape& shape, const Shape& weight)
      : in(weight[3]), out(weight[0] / shape.groups), taps(weight[1] * weight[2]), filter(taps * in) {}
};

int64_t pixels(const Shape& shape) { return shape[0] * shape[1] * shape[2]; }

}  // namespace

void blocked_conv(const ConvArgs& args) {
  const GroupSizes group(args.shape, args.weight.shape);
  const TapTable rows = TapTable::forward(args.shape.height);
  const TapTable columns = TapTable::forward(args.shape.width);
  visit_floating(args.y.dtype, "conv2d", [&]<class T>() {
    blocked_product<ComputeType<T>>(
        args.shape.groups, pixels(args.y.shape), group.out, group.filter, [&](int64_t g, const auto& multiply) {
          const T* bias = args.bias.as<T>();
          multiply(PixelRows<T>{{args.x.as<T>() + g * group.in, args.x.shape, group.in, rows, columns}},
                   MatrixOperand<T>{
                       .data = args.weight.as<T>() + g * group.out * group.filter, .stride = group.filter, .step = 1},
                   MatrixStore<T>{.data = args.y.as<T>() + g * group.out,
                                  .stride = args.y.size(3),
                                  .bias = bias == nullptr ? nullptr : bias + g * group.out});
        });
  });
}

void blocked_conv_input_grad(const ConvInputGradArgs& args) {
  const GroupSizes group(args.shape, args.weight.shape);
  const TapTable rows = TapTable::backward(args.shape.height);
  const TapTable columns = TapTable::backward(args.shape.width);
  visit_floating(args.dx.dtype, "conv2d", [&]<class T>() {
    blocked_product<ComputeType<T>>(
        args.shape.groups, pixels(args.dx.shape), group.in, group.taps * group.out,
        [&](int64_t g, const auto& multiply) {
          multiply(PixelRows<T>{{args.grad.as<T>() + g * group.out, args.grad.shape, group.out, rows, columns}},
                   MatrixOperand<T>{.data = args.weight.as<T>() + g * group.out * group.filter,
                                    .stride = 1,
                                    .step = group.filter,
                                    .channels = group.out,
                                    .tap_stride = group.in},
                   MatrixStore<T>{.data = args.dx.as<T>() + g * group.in, .stride = args.dx.size(3)});
        });
  });
}

void blocked_conv_weight_grad(const ConvWeightGradArgs& args) {
  const GroupSizes group(args.shape, args.dweight.shape);
  const TapTable rows = TapTable::forward(args.shape.height);
  const TapTable columns = TapTable::forward(args.shape.width);
  visit_floating(args.dweight.dtype, "conv2d", [&]<class T>() {
    blocked_product<ComputeType<T>>(
        args.shape.groups, group.out, group.filter, pixels(args.grad.shape), [&](int64_t g, const auto& multiply) {
          multiply(MatrixOperand<T>{.data = args.grad.as<T>() + g * group.out, .stride = 1, .step = args.grad.size(3)},
                   PixelColumns<T>{{args.x.as<T>() + g * group.in, args.x.shape, group.in, rows, columns}},
                   MatrixStore<T>{.data = args.dweight.as<T>() + g * group.out * group.filter, .stride = group.filter});
        });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(blocked_conv, ConvArgs)
LV_CPU_KERNEL(blocked_conv_input_grad, ConvInputGradArgs)
LV_CPU_KERNEL(blocked_conv_weight_grad, ConvWeightGradArgs)
