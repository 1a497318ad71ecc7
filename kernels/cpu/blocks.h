#pragma once

#include <array>
#include <tuple>

#include "kernels/cpu/strided_rows.h"

// Note [Blocks]. Element-wise kernels are written for contiguous arrays only. Arrays with another step along the
// innermost axis go through a buffer that stays in the first-level cache, block by block: gathered before the kernel's
// vectors see them, or scattered after. So every layout runs the vector code, and a function needs one loop a dtype.

namespace lv::kernels::cpu::LV_ISA {

inline constexpr int64_t kBlock = 512;

/// Room for a block of T, left uninitialised.
template <class T>
struct BlockBuffer {
  alignas(64) unsigned char bytes[size_t(kBlock) * sizeof(T)];
  BlockBuffer() {}  // NOLINT(modernize-use-equals-default): a defaulted one would write zeros inside a tuple
  T* data() { return reinterpret_cast<T*>(bytes); }
};

/// Reads a run of one array, by way of `buffer` where elements are not neighbours.
template <class T>
class RunReader {
 public:
  RunReader(BlockBuffer<T>& buffer, const T* start, int64_t step, int64_t n)
      : start_(start), step_(step), buffer_(buffer.data()) {
    if (step == 0) {
      const T value = *start;
      std::fill_n(buffer_, std::min(n, kBlock), value);
    }
  }
  /// Elements begin .. begin + n of the run, n <= kBlock, in contiguous memory.
  const T* block(int64_t begin, int64_t n) {
    if (step_ == 1) {
      return start_ + begin;
    }
    if (step_ != 0) {
      const T* from = start_ + begin * step_;
      for (int64_t i = 0; i < n; ++i) {
        buffer_[i] = from[i * step_];
      }
    }
    return buffer_;
  }

 private:
  const T* start_;
  int64_t step_;
  T* buffer_;
};

/// Writes a run of one array.
template <class T>
class RunWriter {
 public:
  RunWriter(T* start, int64_t step) : start_(start), step_(step) {}
  /// Where the kernel is to write elements begin .. begin + n, before done() moves them to their places.
  T* block(int64_t begin) { return step_ == 1 ? start_ + begin : buffer_.data(); }
  void done(int64_t begin, int64_t n) {
    if (step_ != 1) {
      T* to = start_ + begin * step_;
      for (int64_t i = 0; i < n; ++i) {
        to[i * step_] = buffer_.data()[i];
      }
    }
  }

 private:
  T* start_;
  int64_t step_;
  BlockBuffer<T> buffer_;
};

// Note [Short runs]. A row of few channels that every pixel shares (a bias, a gate) makes runs too short for the vector
// loop to get going. Such a row is written into a buffer as often as fits, and the kernel takes that many runs at once.

/// Reads rows that follow one another in memory, or one row again and again.
template <class T>
class RowReader {
 public:
  RowReader(BlockBuffer<T>& buffer, const T* start, int64_t row_step, int64_t row_size, int64_t rows)
      : start_(row_step == 0 ? buffer.data() : start), is_repeated_(row_step == 0) {
    for (int64_t row = 0; is_repeated_ && row < rows; ++row) {
      std::copy_n(start, row_size, buffer.data() + row * row_size);
    }
  }
  const T* block(int64_t begin) { return is_repeated_ ? start_ : start_ + begin; }

 private:
  const T* start_;
  bool is_repeated_;
};

/// Whether runs are short and follow one another in memory, or repeat, in every array.
template <int N>
bool has_short_rows(const StridedLoop<N>& loop) {
  if (loop.rank < 2 || loop.run() > kBlock / 2) {
    return false;
  }
  for (int k = 0; k < N; ++k) {
    const int64_t row_step = loop.strides[k][loop.rank - 2];
    if (loop.step(k) != 1 || (row_step != loop.run() && (row_step != 0 || k == N - 1))) {
      return false;
    }
  }
  return true;
}

/// A function of contiguous pieces, borrowed. An indirect call a piece costs nothing beside the piece, and the walk is
/// compiled once a dtype instead of into every function.
template <class Out, class... In>
class BlockFunction {
 public:
  template <class Fn>
  explicit BlockFunction(const Fn& fn)
      : fn_(&fn), call_([](const void* callee, int64_t n, Out* out, const In*... in) {
          (*static_cast<const Fn*>(callee))(n, out, in...);
        }) {}
  void operator()(int64_t n, Out* out, const In*... in) const { call_(fn_, n, out, in...); }

 private:
  const void* fn_;
  void (*call_)(const void* callee, int64_t n, Out* out, const In*... in);
};

/// walk_blocks for such a walk.
template <class Out, class... In>
void walk_blocks_of_rows(StridedLoop<int(sizeof...(In)) + 1> loop, BlockFunction<Out, In...> fn, Out* out,
                         const In*... in) {
  constexpr int kInputs = int(sizeof...(In));
  const int64_t size = loop.run();
  const int64_t rows_of_block = kBlock / size;
  --loop.rank;
  loop.count /= size;
  const auto visit = [&](const int64_t(&at)[kInputs + 1], int64_t rows) {
    [&]<int... k>(std::integer_sequence<int, k...>) {
      const int64_t filled = std::min(rows, rows_of_block);
      std::tuple<BlockBuffer<In>...> buffers;
      std::tuple<RowReader<In>...> readers{
          RowReader<In>(std::get<k>(buffers), in + at[k], loop.step(k), size, filled)...};
      for (int64_t row = 0; row < rows; row += rows_of_block) {
        const int64_t begin = row * size;
        fn(std::min(rows_of_block, rows - row) * size, out + at[kInputs] + begin, std::get<k>(readers).block(begin)...);
      }
    }(std::make_integer_sequence<int, kInputs>{});
  };
  for_each_run(loop, visit, size);
}

// Neither inlined nor cloned for one `fn`: see BlockFunction.
template <class Out, class... In>
[[gnu::noinline, gnu::noclone]] void walk_blocks(const StridedLoop<int(sizeof...(In)) + 1>& loop,
                                                 BlockFunction<Out, In...> fn, Out* out, const In*... in) {
  constexpr int kInputs = int(sizeof...(In));
  if (has_short_rows(loop)) {
    walk_blocks_of_rows(loop, fn, out, in...);
    return;
  }
  for_each_run(loop, [&](const int64_t(&at)[kInputs + 1], int64_t n) {
    [&]<int... k>(std::integer_sequence<int, k...>) {
      Out* to = out + at[kInputs];
      if (((loop.step(k) == 1) && ...) && loop.step(kInputs) == 1) {
        fn(n, to, (in + at[k])...);
        return;
      }
      std::tuple<BlockBuffer<In>...> buffers;
      std::tuple<RunReader<In>...> readers{RunReader<In>(std::get<k>(buffers), in + at[k], loop.step(k), n)...};
      RunWriter<Out> writer(to, loop.step(kInputs));
      for (int64_t begin = 0; begin < n; begin += kBlock) {
        const int64_t count = std::min(kBlock, n - begin);
        fn(count, writer.block(begin), std::get<k>(readers).block(begin, count)...);
        writer.done(begin, count);
      }
    }(std::make_integer_sequence<int, kInputs>{});
  });
}

/// Calls fn(n, out, in...) on contiguous pieces that together cover the arrays of the walk, in parallel. The walk's
/// arrays are the inputs in their order, then the output.
template <class Fn, class Out, class... In>
void for_each_block(const StridedLoop<int(sizeof...(In)) + 1>& loop, const Fn& fn, Out* out, const In*... in) {
  walk_blocks(loop, BlockFunction<Out, In...>(fn), out, in...);
}

/// The walk over arrays of one shape, given inputs first and output last.
template <class... Ref>
auto plan_blocks(const Ref&... arrays) {
  constexpr int kArrays = int(sizeof...(Ref));
  const Shape& shape = std::get<kArrays - 1>(std::tie(arrays...)).shape;
  return plan_strided<kArrays>(shape, {arrays.strides...});
}

}  // namespace lv::kernels::cpu::LV_ISA
