#include "core/shape.h"

namespace lv {

int normalize_axis(int axis, int rank, std::string_view who) {
  LV_CHECK_SHAPE(axis >= -rank && axis < rank, "{}: axis {} is outside [-{}, {})", who, axis, rank, rank);
  return axis < 0 ? axis + rank : axis;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view who) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const int64_t size_a = i <= a.rank() ? a[a.rank() - i] : 1;
    const int64_t size_b = i <= b.rank() ? b[b.rank() - i] : 1;
    LV_CHECK_SHAPE(size_a == size_b || size_a == 1 || size_b == 1, "{}: shapes {} and {} do not broadcast", who, a, b);
    out[rank - i] = size_a == 1 ? size_b : size_a;
  }
  return out;
}

bool is_dense(const Shape& shape, const Strides& strides) {
  std::array<int, kMaxRank> order{};  // axes by ascending stride
  int rank = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != 1) {
      int place = rank++;
      for (; place > 0 && strides[order[size_t(place - 1)]] > strides[axis]; --place) {
        order[size_t(place)] = order[size_t(place - 1)];
      }
      order[size_t(place)] = axis;
    }
  }
  int64_t expected = 1;
  for (int i = 0; i < rank; ++i) {
    if (strides[order[size_t(i)]] != expected) {
      return false;
    }
    expected *= shape[order[size_t(i)]];
  }
  return true;
}

std::string to_string(const Dims& dims) { return fmt::format("[{}]", fmt::join(dims.begin(), dims.end(), ", ")); }

}  // namespace lv
