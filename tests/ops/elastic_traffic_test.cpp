// What the CUDA kernels of elastic resampling move, counted under the access checker: in builds without it there is
// nothing to test.

#if defined(LV_ACCESS_CHECK)

#include <catch2/catch.hpp>

#include "kernels/simt/access_checker.h"
#include "ops/elastic_resample.h"

using namespace lv;
using namespace lv::ops;

namespace {

/// Bytes of all launches in the recorder's scope, each of which must read and write memory and shared memory in as few
/// transactions as its bytes need.
double moved_bytes(const simt::TrafficRecorder& recorder) {
  double bytes = 0;
  for (const simt::LaunchTraffic& launch : recorder.launches()) {
    INFO(launch.kernel);
    CHECK(launch.shared.units == launch.shared.ideal_units);
    for (const simt::RegionTraffic& region : launch.regions) {
      CHECK(region.loads.units == region.loads.ideal_units);
      CHECK(region.stores.units == region.stores.ideal_units);
    }
    bytes += double(launch.loaded_bytes() + launch.stored_bytes());
  }
  return bytes;
}

}  // namespace

TEST_CASE("the kernels of elastic resampling move little more than their arrays") {
  const Device device = Device::cuda();
  const Tensor full = Tensor::full({2, 32, 32, 64}, 1.0, DType::f32, device).set_requires_grad();
  const Tensor small = Tensor::full({2, 16, 16, 64}, 1.0, DType::f32, device).set_requires_grad();
  const double full_bytes = double(full.size_bytes());
  const double small_bytes = double(small.size_bytes());
  const auto moved = [](auto&& run) {
    const simt::TrafficRecorder recorder(simt::TrafficRecorder::Detail::transactions);
    run();
    REQUIRE_FALSE(recorder.launches().empty());
    return moved_bytes(recorder);
  };
  Tensor half;
  Tensor sum;
  CHECK(moved([&] { half = elastic_downsample(full); }) == full_bytes + small_bytes);
  CHECK(moved([&] { half.backward(small.detach()); }) == full_bytes + small_bytes);
  CHECK(moved([&] { sum = elastic_upsample_add(small, full.detach()); }) <= 1.25 * (2 * full_bytes + small_bytes));
  CHECK(moved([&] { sum.backward(full.detach()); }) <= 1.25 * (full_bytes + small_bytes));
}

#endif
