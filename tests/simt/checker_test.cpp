// The access checker: what it must report, what it must not, and what it counts.
#include "kernels/simt/access_checker.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/cuda/driver.h"
#include "tests/simt/example_kernels.cuh"
#include "tests/simt/planted_kernels.cuh"
#include "tests/simt/support.h"

namespace lv::test {
namespace {

using Catch::Matchers::Contains;
using simt::launch;

std::string place(int line) { return "planted_kernels.cuh:" + std::to_string(line); }

class RegionGuard {
 public:
  template <class T>
  RegionGuard(const std::vector<T>& values, std::string_view name) : p_(values.data()) {
    simt::register_region(p_, int64_t(values.size() * sizeof(T)), name);
  }
  ~RegionGuard() { simt::unregister_region(p_); }
  RegionGuard(const RegionGuard&) = delete;
  RegionGuard& operator=(const RegionGuard&) = delete;

 private:
  const void* p_;
};

struct Fixture {
  Fixture() { simt::options().order = simt::LaneOrder::forward; }

  OptionsGuard options_guard;
  std::vector<float> in = wave(8192, 0.37);
  std::vector<float> out = std::vector<float>(8192);
  std::vector<int> numbers = std::vector<int>(256);
  std::vector<unsigned> words = std::vector<unsigned>(256);
  RegionGuard in_guard{in, "in"}, out_guard{out, "out"}, numbers_guard{numbers, "numbers"}, words_guard{words, "words"};
};

template <class F>
void in_every_order(F&& check) {
  for (const auto order : {simt::LaneOrder::forward, simt::LaneOrder::backward, simt::LaneOrder::shuffled}) {
    simt::options().order = order;
    INFO("order " << int(order));
    check();
  }
}

// in, out: one warp, each lane an element `stride` floats from the next.
__global__ void strided(float* out, const float* in, int stride) {
  out[int(threadIdx.x) * stride] = in[int(threadIdx.x) * stride];
}

// Lane t reads column 0 of row t: with kPitch = 32 all rows lie in one bank.
template <int kPitch>
__global__ void read_column(float* out) {
  LV_SHARED(float, tile, [32][kPitch]);
  const int t = int(threadIdx.x);
  for (int row = 0; row < 32; ++row) {
    tile[row][t] = float(row);
  }
  __syncthreads();
  out[t] = tile[t][0];
}

// A value is handed from lane to lane through shared memory, round after round, with nothing but warp synchronisation.
__global__ void warp_rounds(float* out, const float* in) {
  LV_SHARED(float, row, [64]);
  const int t = int(threadIdx.x);
  const int first = t / 32 * 32;
  row[t] = in[t];
  float sum = 0.0F;
  for (int round = 1; round < 32; ++round) {
    __syncwarp();
    sum += row[first] + row[first + (t + round) % 32];  // all lanes read the first element
    __syncwarp();
    row[t] = sum;
  }
  out[t] = sum;
}

// The quarters of half a warp synchronise apart, then lane 9 reads what lane 0 wrote.
__global__ void wrong_half_synchronised(float* out, const float* in) {
  LV_SHARED(float, row, [32]);
  const int t = int(threadIdx.x);
  row[t] = in[t];
  if (t < 16) {
    __syncwarp(t < 8 ? 0x000000ffU : 0x0000ff00U);
  }
  out[t] = row[t == 9 ? 0 : t];
}

}  // namespace

TEST_CASE_METHOD(Fixture, "correct kernels pass the access checker in every order") {
  in_every_order([&] {
    launch(add<float>, 8, 128, 0, kStream, out.data(), in.data(), in.data(), 1000);
    launch(tree_sum<128>, 8, 128, 0, kStream, out.data(), in.data(), 1000);
    launch(layer_norm, 4, 96, 0, kStream, out.data(), in.data(), 300, 1e-5F);
    launch(reverse, 1, 128, 512, kStream, out.data(), in.data());
    launch(warp_operations, 2, 64, 0, kStream, words.data(), numbers.data(), out.data(), in.data());
    launch(half_warps, 1, 64, 0, kStream, out.data(), in.data());
    launch(count_atomically, 4, 64, 0, kStream, numbers.data(), numbers.data() + 10, 200);
    launch(moments, 1, 128, 0, kStream, reinterpret_cast<Moments*>(out.data()), in.data());
    launch(find_largest, 1, dim3(32, 4), 0, kStream, numbers.data(), out.data(), in.data());
    launch(multiply_tile, 1, 32, 0, kStream, out.data(), reinterpret_cast<const uint16_t*>(in.data()),
           reinterpret_cast<const uint16_t*>(in.data()) + 512);
    launch(attention<56, 16>, 4, 128, 0, kStream, out.data(), in.data(), in.data(), in.data(), in.data());
    launch(warp_rounds, 1, 64, 0, kStream, out.data(), in.data());
  });
}

TEST_CASE_METHOD(Fixture, "copies that overlap computation pass when they are waited for") {
  const auto tiles = aligned_wave(701);
  std::vector<float4> doubled(3 * 64);
  const RegionGuard tiles_guard(tiles, "tiles");
  const RegionGuard doubled_guard(doubled, "doubled");
  in_every_order([&] { launch(stream_tiles, 1, 64, 0, kStream, &doubled[0].x, &tiles[0].x, 3, 701); });
}

TEST_CASE_METHOD(Fixture, "a ticket after a fence orders the blocks") {
  in_every_order([&] {
    words[0] = 0;
    launch(sum_by_last_block, 4, 64, 0, kStream, out.data(), out.data() + 100, words.data(), in.data(), 200);
  });
}

TEST_CASE_METHOD(Fixture, "a ticket without a fence does not order the blocks") {
  in_every_order([&] {
    words[0] = 0;
    REQUIRE_THROWS_WITH(
        launch(missing_fence, 4, 32, 0, kStream, out.data(), out.data() + 100, words.data(), in.data()),
        Contains("kernel lv::test::missing_fence: race:") && Contains(" of out") && Contains("block number"));
  });
}

TEST_CASE_METHOD(Fixture, "a missing barrier is reported with both lines, in every order") {
  in_every_order([&] {
    REQUIRE_THROWS_WITH(launch(missing_barrier, 1, 128, 0, kStream, out.data(), in.data()),
                        Contains("kernel lv::test::missing_barrier:") && Contains("of shared array row") &&
                            Contains(place(kMissingBarrierLine + 1)));
  });
}

TEST_CASE_METHOD(Fixture, "a race names the accesses and their lines") {
  REQUIRE_THROWS_WITH(launch(read_across, 1, 64, 0, kStream, out.data(), in.data()),
                      Contains("race: thread 32 of block (0, 0, 0) reads byte 124 of shared array row") &&
                          Contains(place(kReadAcrossLine + 2)) && Contains("written by thread 31 of the same block") &&
                          Contains(place(kReadAcrossLine)));
}

TEST_CASE_METHOD(Fixture, "a missing warp synchronisation is reported in every order") {
  in_every_order([&] {
    REQUIRE_THROWS_WITH(launch(missing_warp_sync, 1, 32, 0, kStream, out.data(), in.data()),
                        Contains("kernel lv::test::missing_warp_sync:") && Contains("of shared array row"));
    REQUIRE_THROWS_AS(launch(wrong_half_synchronised, 1, 32, 0, kStream, out.data(), in.data()), CudaError);
  });
  REQUIRE_THROWS_WITH(launch(wrong_half_synchronised, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("race: thread 9 of block (0, 0, 0) reads byte 0 of shared array row"));
}

TEST_CASE_METHOD(Fixture, "a loop that reuses shared memory too early is reported in every order") {
  in_every_order([&] {
    REQUIRE_THROWS_WITH(launch(loop_reuse, 1, 128, 0, kStream, out.data(), in.data(), 5), Contains("race: "));
  });
  launch(loop_reuse, 1, 128, 0, kStream, out.data(), in.data(), 1);
}

TEST_CASE_METHOD(Fixture, "a read of shared memory that nobody wrote is reported") {
  in_every_order([&] {
    REQUIRE_THROWS_WITH(launch(uninitialised_shared, 1, 128, 0, kStream, out.data(), in.data()),
                        Contains("reads byte ") && Contains("of shared array row, which the block has not written"));
  });
}

TEST_CASE_METHOD(Fixture, "accesses outside arrays and regions are reported") {
  REQUIRE_THROWS_WITH(launch(shared_out_of_bounds, 1, 128, 0, kStream, out.data(), in.data()),
                      Contains("thread 127 of block (0, 0, 0) writes 4 bytes outside every shared array"));
  REQUIRE_THROWS_WITH(
      launch(global_out_of_bounds, 65, 128, 0, kStream, out.data(), in.data(), 8192),
      Contains("outside every region of device memory") && Contains("(32768 bytes from the beginning of"));
  std::vector<float> host(32);
  REQUIRE_THROWS_WITH(launch(reverse, 1, 32, 128, kStream, out.data(), host.data()),
                      Contains("reads 4 bytes outside every region"));
}

TEST_CASE_METHOD(Fixture, "races between blocks are reported in every order") {
  in_every_order([&] {
    REQUIRE_THROWS_WITH(
        launch(global_race, 4, 32, 0, kStream, out.data(), in.data()),
        Contains("race: thread 0 of block") && Contains("byte 0 of out") && Contains("of block number"));
    REQUIRE_THROWS_WITH(launch(global_read_race, 4, 32, 0, kStream, out.data(), in.data()), Contains("race: thread 0"));
    REQUIRE_THROWS_WITH(launch(plain_read_of_counter, 4, 32, 0, kStream, numbers.data(), numbers.data() + 8),
                        Contains("race: ") && Contains("byte 0 of numbers") && Contains("atomically") &&
                            Contains("planted_kernels.cuh:"));
  });
  launch(global_race, 1, 32, 0, kStream, out.data(), in.data());
  launch(global_race, 1, 32, 0, kStream, out.data(), in.data());  // launches are ordered
}

TEST_CASE_METHOD(Fixture, "reading before the wait of an asynchronous copy is reported") {
  REQUIRE_THROWS_WITH(launch(missing_copy_wait, 1, 32, 0, kStream, out.data(), in.data()),
                      Contains("missing_copy_wait: thread 0") && Contains("which the block has not written"));
}

TEST_CASE_METHOD(Fixture, "regions do not overlap and end once") {
  REQUIRE_THROWS_WITH(simt::register_region(in.data() + 8191, 8, "tail"), Contains("tail (8 bytes) overlaps"));
  REQUIRE_THROWS_AS(simt::unregister_region(in.data() + 1), Error);
}

#if defined(LV_CUDA_EMULATED)
TEST_CASE_METHOD(Fixture, "memory of the emulated device is a region while it lives") {
  auto* p = static_cast<float*>(cuda::malloc(128));
  launch(reverse, 1, 32, 128, kStream, p, in.data());
  REQUIRE_THROWS_WITH(
      launch(reverse, 1, 64, 256, kStream, p, in.data()),
      Contains("outside every region") && Contains("from the beginning of device memory, which has 128)"));
  cuda::free(p);
  REQUIRE_THROWS_WITH(launch(reverse, 1, 32, 128, kStream, p, in.data()), Contains("outside every region"));
}
#endif

TEST_CASE_METHOD(Fixture, "the bytes of every launch are counted by region") {
  simt::TrafficRecorder recorder(simt::TrafficRecorder::Detail::bytes);
  REQUIRE_THROWS_AS(simt::TrafficRecorder(simt::TrafficRecorder::Detail::bytes), Error);
  launch(add<float>, 8, 128, 0, kStream, out.data(), in.data(), in.data() + 2000, 1000);
  launch(layer_norm, 4, 96, 0, kStream, out.data(), in.data(), 300, 1e-5F);
  launch(count_atomically, 4, 64, 0, kStream, numbers.data(), numbers.data() + 10, 200);
  REQUIRE(recorder.launches().size() == 3);
  const auto& added = recorder.launches()[0];
  CHECK(added.kernel == "lv::test::add<float>");
  CHECK((added.grid.x == 8 && added.block.x == 128));
  CHECK(added.loaded_bytes() == 2 * 1000 * 4);
  CHECK(added.stored_bytes() == 1000 * 4);
  CHECK(added.regions.size() == 2);
  CHECK(recorder.launches()[1].loaded_bytes() == 3 * 4 * 300 * 4);
  CHECK(recorder.launches()[1].stored_bytes() == 4 * 300 * 4);
  CHECK(recorder.launches()[2].regions.at(0).atomic_bytes >= 4 * 4 * 200);
  recorder.reset();
  CHECK(recorder.launches().empty());
}

TEST_CASE_METHOD(Fixture, "sectors show how well the accesses of a warp lie together") {
  simt::TrafficRecorder recorder(simt::TrafficRecorder::Detail::transactions);
  const auto touched = aligned_wave(2048);
  std::vector<float4> target(512);
  const RegionGuard touched_guard(touched, "touched");
  const RegionGuard target_guard(target, "target");
  for (const int stride : {1, 2, 8}) {
    in_every_order([&] {
      recorder.reset();
      launch(strided, 1, 32, 0, kStream, &target[0].x, &touched[0].x, stride);
      // 16 bytes of alignment: up to one sector more than from a multiple of 32.
      const auto at_sector = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % 32 == 0; };
      const auto& regions = recorder.launches().at(0).regions;
      for (const auto& region : regions) {
        const bool load = region.region == "touched";
        const auto& moved = load ? region.loads : region.stores;
        const int64_t aligned = at_sector(load ? touched.data() : target.data()) ? 0 : stride < 8 ? 1 : 0;
        CHECK(moved.requests == 1);
        CHECK(moved.units == 4 * stride + aligned);
        CHECK(moved.ideal_units == 4);
      }
      CHECK(regions.size() == 2);
    });
  }
}

TEST_CASE_METHOD(Fixture, "bank conflicts of shared memory are counted") {
  simt::TrafficRecorder recorder(simt::TrafficRecorder::Detail::transactions);
  launch(read_column<32>, 1, 32, 0, kStream, out.data());
  launch(read_column<33>, 1, 32, 0, kStream, out.data());
  const auto& square = recorder.launches().at(0).shared;
  CHECK(square.requests == 32 + 1);
  CHECK(square.ideal_units == 32 + 1);
  CHECK(square.units == 32 + 32);
  const auto& padded = recorder.launches().at(1).shared;
  CHECK(padded.units == padded.ideal_units);
}

}  // namespace lv::test
