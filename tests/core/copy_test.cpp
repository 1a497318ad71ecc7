#include "core/copy.h"

#include <catch2/catch.hpp>

#include "core/cuda/driver.h"
#include "tests/skip.h"

using namespace lv;
using Catch::Contains;

namespace {

Tensor pinned_row() {
  const Tensor row = Tensor::empty_pinned({3}, DType::f32);
  row.copy_from(Tensor::from<float>({1, 2, 3}, {3}));
  return row;
}

}  // namespace

TEST_CASE("an asynchronous copy refuses pageable memory and unequal tensors") {
  const Stream stream = current_stream(Device::cpu());
  const Tensor target = Tensor::empty_pinned({3}, DType::f32);
  CHECK_THROWS_WITH(copy_async(Tensor::zeros({3}), target, stream), Contains("page-locked"));
  CHECK_THROWS_WITH(copy_async(pinned_row(), Tensor::empty_pinned({4}, DType::f32), stream),
                    Contains("[3]") && Contains("[4]"));
  CHECK_THROWS_WITH(copy_async(pinned_row(), Tensor::empty_pinned({3}, DType::f64), stream),
                    Contains("f32") && Contains("f64"));
}

TEST_CASE("pinned memory travels to a device and back on a stream of its own") {
  if (cuda::device_count() == 0) {
    test::skip("no device in this build or machine");
    return;
  }
  const Stream stream = cuda::create_stream(0);
  const Tensor source = pinned_row();
  const Tensor device = Tensor::zeros({3}, DType::f32, Device::cuda());
  synchronize(current_stream(Device::cuda()));
  const Tensor back = Tensor::empty_pinned({3}, DType::f32);
  copy_async(source, device, stream);
  copy_async(device, back, stream);
  synchronize(stream);
  CHECK(back.to_vector<float>() == std::vector<float>{1, 2, 3});
  cuda::destroy_stream(stream);
}
