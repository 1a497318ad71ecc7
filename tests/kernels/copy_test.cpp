#include "kernels/copy.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>

#include "core/cuda/driver.h"
#include "kernels/strided.h"
#include "tests/skip.h"

using namespace lv;

namespace {

/// Different bytes at neighbouring places.
Tensor pattern(const Shape& shape, DType dtype) {
  const Tensor x = Tensor::empty(shape, dtype);
  auto* const bytes = static_cast<uint8_t*>(x.raw_data());
  for (int64_t i = 0; i < x.size_bytes(); ++i) {
    bytes[i] = dtype == DType::boolean ? uint8_t(i * 7 / 5 % 2) : uint8_t(i * 37 + i / 251);
  }
  return x;
}

/// Element by element, by the tensors' strides.
bool is_equal(const Tensor& x, const Tensor& y) {
  const int64_t width = size_bytes(x.dtype());
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i;
    int64_t at_x = 0;
    int64_t at_y = 0;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      at_x += rest % x.size(axis) * x.strides()[axis];
      at_y += rest % x.size(axis) * y.strides()[axis];
      rest /= x.size(axis);
    }
    if (std::memcmp(static_cast<char*>(x.raw_data()) + at_x * width, static_cast<char*>(y.raw_data()) + at_y * width,
                    size_t(width)) != 0) {
      return false;
    }
  }
  return true;
}

void check_copy(const Tensor& x, const Tensor& y) {
  kernels::copy({.x = kernels::cref(x), .y = kernels::ref(y)}, current_stream(Device::cpu()));
  CAPTURE(x.shape(), x.strides(), y.strides(), x.dtype());
  CHECK(is_equal(x, y));
}

constexpr DType kWidths[] = {DType::u8, DType::bf16, DType::f32, DType::i64};

}  // namespace

TEST_CASE("matrices of every size around a tile are turned over, for every width of element") {
  for (const DType dtype : kWidths) {
    for (const int64_t rows : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 50}) {
      for (const int64_t columns : {1, 3, 4, 5, 8, 16, 17, 32, 35}) {
        check_copy(pattern({rows, columns}, dtype).transpose(0, 1), Tensor::empty({columns, rows}, dtype));
      }
    }
  }
}

TEST_CASE("transposing copies of more axes, parts and strides move every element") {
  for (const DType dtype : kWidths) {
    const Tensor nhwc = pattern({2, 9, 7, 21}, dtype);
    check_copy(nhwc.permute({0, 3, 1, 2}), Tensor::empty({2, 21, 9, 7}, dtype));
    const Tensor nchw = pattern({3, 5, 6, 19}, dtype);
    check_copy(nchw.permute({0, 2, 3, 1}), Tensor::empty({3, 6, 19, 5}, dtype));
    check_copy(nchw.permute({3, 1, 0, 2}), Tensor::empty({19, 5, 3, 6}, dtype));
    const Tensor long_rows = pattern({4999, 3}, dtype);  // several parts of a band
    check_copy(long_rows.transpose(0, 1), Tensor::empty({3, 4999}, dtype));
    const Tensor sliced = pattern({40, 37}, dtype).slice(1, 2, 36).slice(0, 1, 39, 2);
    check_copy(sliced.transpose(0, 1), Tensor::empty({34, 19}, dtype));
    check_copy(sliced, Tensor::empty({34, 19}, dtype).transpose(0, 1));
  }
}

TEST_CASE("rows of every length are copied between strided arrays, and nothing beside them") {
  for (const DType dtype : kWidths) {
    for (const int64_t length : {1, 2, 15, 16, 17, 31, 32, 33, 64, 65, 100}) {
      const Tensor x = pattern({5, 3, 130}, dtype).slice(2, 7, 7 + length);
      const Tensor wide = pattern({5, 3, 140}, dtype);
      const Tensor before = wide.clone();
      check_copy(x, wide.slice(2, 20, 20 + length));
      CHECK(is_equal(wide.slice(2, 0, 20), before.slice(2, 0, 20)));
      CHECK(is_equal(wide.slice(2, 20 + length, 140), before.slice(2, 20 + length, 140)));
    }
  }
}

TEST_CASE("device tensors of any layout and dtype are written, read, filled and converted") {
  if (cuda::device_count() == 0) {
    test::skip("no device in this build or machine");
    return;
  }
  const Tensor device = Tensor::zeros({2, 3}, DType::f32, Device::cuda());
  const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2});
  device.transpose(0, 1).copy_from(x);
  CHECK(device.to(Device::cpu()).to_vector<float>() == std::vector<float>{1, 3, 5, 2, 4, 6});
  device.slice(1, 1, 2).copy_from(Tensor::from<double>({7, 8}, {2, 1}));
  CHECK(device.to_vector<float>() == std::vector<float>{1, 7, 5, 2, 8, 6});
  const Tensor wide = device.slice(1, 0, 2);
  CHECK(wide.contiguous().to_vector<float>() == std::vector<float>{1, 7, 2, 8});
  CHECK(wide.to(DType::i32).to_vector<int32_t>() == std::vector<int32_t>{1, 7, 2, 8});
  wide.fill(2.5);
  CHECK(device.to_vector<float>() == std::vector<float>{2.5, 2.5, 5, 2.5, 2.5, 6});
}
