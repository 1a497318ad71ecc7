// Wrong kernels and launches: what the emulator itself finds, and how it says so.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/simt/planted_kernels.cuh"
#include "tests/simt/support.h"

namespace lv::test {
namespace {

using Catch::Matchers::Contains;
using simt::launch;

std::string place(int line) { return "planted_kernels.cuh:" + std::to_string(line); }

// One that is right; dynamic shared memory: kThreads floats.
template <int kThreads>
__global__ void mirror(float* out, const float* in) {
  LV_DYN_SHARED(float, row);
  row[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = row[kThreads - 1 - threadIdx.x];
}

struct Fixture {
  Fixture() { simt::options().order = simt::LaneOrder::forward; }

  OptionsGuard guard;
  std::vector<float> in = wave(1024, 0.37);
  std::vector<float> out = std::vector<float>(1024);
  std::vector<unsigned> words = std::vector<unsigned>(128);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a divergent barrier is reported with the kernel and both lines") {
  REQUIRE_THROWS_WITH(launch(divergent_barrier, 2, 128, 0, kStream, out.data(), in.data()),
                      Contains("kernel lv::test::divergent_barrier: divergent barrier") &&
                          Contains("block (0, 0, 0)") && Contains("64 of 128 threads wait at __syncthreads") &&
                          Contains(place(kDivergentBarrierLine)) && Contains(place(kDivergentBarrierLine + 2)) &&
                          Contains("first: thread 64"));
}

TEST_CASE_METHOD(Fixture, "threads that exit before a barrier are reported") {
  REQUIRE_THROWS_WITH(launch(early_exit, 1, 128, 0, kStream, out.data(), in.data()),
                      Contains("early_exit: early exit") &&
                          Contains("28 of 128 threads have exited (first: thread 100)") &&
                          Contains(place(kEarlyExitLine)));
}

TEST_CASE_METHOD(Fixture, "a shuffle in a branch is reported with where the others are") {
  REQUIRE_THROWS_WITH(launch(shuffle_in_branch, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("a warp operation waits for lanes that never reach it") &&
                          Contains("a shuffle with mask 0xffffffff") && Contains(place(kShuffleInBranchLine)) &&
                          Contains(place(kShuffleInBranchLine + 2)));
}

TEST_CASE_METHOD(Fixture, "lanes of one mask at different warp operations are reported with both lines") {
  REQUIRE_THROWS_WITH(launch(divergent_warp_operation, 1, 32, 0, kStream, words.data()),
                      Contains("divergent warp operation") && Contains(place(kDivergentWarpLine)) &&
                          Contains(place(kDivergentWarpLine + 2)));
}

TEST_CASE_METHOD(Fixture, "masks that do not fit are reported") {
  REQUIRE_THROWS_WITH(launch(shuffle_outside_mask, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("shuffle_outside_mask: a shuffle reads a lane outside its mask"));
  REQUIRE_THROWS_WITH(launch(mask_without_caller, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("a mask that lacks the lane itself"));
  REQUIRE_THROWS_WITH(launch(mask_beyond_block, 1, 48, 0, kStream, words.data()),
                      Contains("lanes beyond the end of the block"));
  REQUIRE_THROWS_WITH(launch(exited_lane_in_mask, 1, 32, 0, kStream, words.data()),
                      Contains("names a lane that has exited"));
}

TEST_CASE_METHOD(Fixture, "shared memory starts as NaN in every block") {
  launch(uninitialised_shared, 2, 128, 0, kStream, out.data(), in.data());
  for (size_t i = 0; i < 128; ++i) {
    REQUIRE(std::isnan(out[i]) == (i >= 100));
  }
}

TEST_CASE_METHOD(Fixture, "a missing barrier shows in the result of some order") {
  for (const auto order : {simt::LaneOrder::forward, simt::LaneOrder::backward, simt::LaneOrder::shuffled}) {
    simt::options().order = order;
    launch(missing_barrier, 1, 128, 0, kStream, out.data(), in.data());
    const bool right = std::equal(out.begin(), out.begin() + 128, in.rbegin() + 1024 - 128);
    CHECK_FALSE(right);
  }
}

TEST_CASE_METHOD(Fixture, "reading before the wait finds none of an asynchronous copy") {
  launch(missing_copy_wait, 1, 32, 0, kStream, out.data(), in.data());
  REQUIRE(std::all_of(out.begin(), out.begin() + 32, [](float x) { return std::isnan(x); }));
}

TEST_CASE_METHOD(Fixture, "an asynchronous copy must be waited for") {
  REQUIRE_THROWS_WITH(launch(copy_left_open, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("thread 0 of block (0, 0, 0) exited without waiting for its asynchronous copies"));
}

TEST_CASE_METHOD(Fixture, "shared memory beyond the device's is refused") {
  REQUIRE_THROWS_WITH(launch(too_much_shared, 1, 32, 0, kStream, out.data()),
                      Contains("take 65536 bytes with large, the limits are 49152 static"));
  REQUIRE_THROWS_WITH(launch(mirror<128>, 1, 128, 200'000, kStream, out.data(), in.data()),
                      Contains("at most 166912 bytes of shared memory, asked for 200000"));
}

TEST_CASE_METHOD(Fixture, "launches that no device accepts are refused by name") {
  REQUIRE_THROWS_WITH(launch(mirror<128>, 1, 1025, 0, kStream, out.data(), in.data()),
                      Contains("::mirror<128>: a block must have 1 to 1024 threads"));
  REQUIRE_THROWS_AS(launch(mirror<128>, 1, 0, 0, kStream, out.data(), in.data()), CudaError);
  REQUIRE_THROWS_AS(launch(mirror<128>, dim3(1, 65536), 32, 0, kStream, out.data(), in.data()), CudaError);
  REQUIRE_THROWS_AS(launch(mirror<128>, 1, 32, 0, Stream{}, out.data(), in.data()), DeviceError);
}

TEST_CASE_METHOD(Fixture, "a grid with a zero dimension is nothing to do") {
  launch(divergent_barrier, 0, 128, 0, kStream, out.data(), in.data());
  launch(divergent_barrier, dim3(4, 0, 2), 128, 0, kStream, out.data(), in.data());
  REQUIRE(out == std::vector<float>(1024));
}

TEST_CASE_METHOD(Fixture, "kernels run right after one that failed") {
  for (const int workers : {1, 3}) {
    simt::options().workers = workers;
    for (int i = 0; i < 3; ++i) {
      REQUIRE_THROWS_AS(launch(divergent_barrier, 5, 128, 0, kStream, out.data(), in.data()), CudaError);
      launch(mirror<128>, 1, 128, 512, kStream, out.data(), in.data());
      REQUIRE(std::equal(out.begin(), out.begin() + 128, in.rbegin() + 1024 - 128));
    }
  }
}

}  // namespace lv::test
