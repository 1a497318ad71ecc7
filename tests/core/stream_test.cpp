#include "core/stream.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <thread>
#include <vector>

#include "core/cuda/driver.h"
#include "tests/skip.h"

using namespace lv;

TEST_CASE("a stream guard nests and is a matter of its thread and device") {
  const Device device = Device::cuda(1);
  int marks[2];
  const Stream outer{device, &marks[0]};
  const Stream inner{device, &marks[1]};
  REQUIRE(current_stream(device) == Stream{device, nullptr});
  {
    const StreamGuard outer_guard(outer);
    {
      const StreamGuard inner_guard(inner);
      REQUIRE(current_stream(device) == inner);
    }
    REQUIRE(current_stream(device) == outer);
    REQUIRE(current_stream(Device::cuda(0)).handle == nullptr);
    REQUIRE(current_stream(Device::cpu()) == Stream{});
    Stream elsewhere = outer;
    std::thread([&] { elsewhere = current_stream(device); }).join();
    REQUIRE(elsewhere.handle == nullptr);
  }
  REQUIRE(current_stream(device).handle == nullptr);
  REQUIRE_THROWS_AS(current_stream(Device::cuda(-1)), DeviceError);
}

TEST_CASE("the CPU's stream is always done") {
  synchronize(current_stream(Device::cpu()));
  const StreamGuard guard(Stream{});
  REQUIRE(current_stream(Device::cpu()) == Stream{});
}

TEST_CASE("work on a stream arrives: copies in every direction, fills, events") {
  if (cuda::device_count() == 0) {
    test::skip("there is no CUDA device");
    REQUIRE_THROWS_AS(cuda::create_stream(0), Error);
    return;
  }
  const Stream stream = cuda::create_stream(0);
  const Stream other = cuda::create_stream(0);
  REQUIRE(!(stream == other));
  cuda::set_device(0);
  constexpr int64_t kBytes = 1000;
  void* a = cuda::malloc(kBytes);
  void* b = cuda::malloc(kBytes);
  auto* host = static_cast<unsigned char*>(cuda::malloc_host(2 * kBytes));
  std::memset(host, 3, kBytes);
  cuda::memcpy_async(a, host, kBytes, stream);
  cuda::memset_async(a, 9, kBytes / 2, stream);
  cuda::Event filled;
  REQUIRE(filled.query());
  filled.record(stream);
  filled.wait(other);
  cuda::memcpy_async(b, a, kBytes, other);
  cuda::memcpy_async(host + kBytes, b, kBytes, other);
  cuda::Event end;
  end.record(other);
  end.synchronize();
  REQUIRE(end.query());
  REQUIRE(host[kBytes] == 9);
  REQUIRE(host[kBytes + kBytes / 2] == 3);
  synchronize(stream);
  cuda::free(a);
  cuda::free(b);
  cuda::free_host(host);
  cuda::destroy_stream(stream);
  cuda::destroy_stream(other);
}
