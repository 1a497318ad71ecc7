// Results of correct kernels in the emulator, in all three orders. Expected values come from plain loops in float64.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/simt/example_kernels.cuh"
#include "tests/simt/support.h"

namespace lv::test {
namespace {

using simt::launch;

template <class F>
void in_every_order(F&& check) {
  for (const auto order : {simt::LaneOrder::forward, simt::LaneOrder::backward, simt::LaneOrder::shuffled}) {
    const OptionsGuard guard;
    simt::options().order = order;
    INFO("order " << int(order));
    check();
  }
}

template <class T>
concept AtomicallyAdded = requires(T* p, T value) { atomicAdd(p, value); };
static_assert(AtomicallyAdded<int> && AtomicallyAdded<unsigned> && AtomicallyAdded<unsigned long long>);
static_assert(!AtomicallyAdded<float> && !AtomicallyAdded<double>);

}  // namespace

TEST_CASE("a launch runs every thread of a grid with a tail once") {
  in_every_order([] {
    const auto a = wave(1000, 0.37);
    const auto b = wave(1000, 0.11);
    std::vector<float> out(1001, -5.0F);
    launch(add<float>, 8, 128, 0, kStream, out.data(), a.data(), b.data(), 1000);
    for (size_t i = 0; i < 1000; ++i) {
      REQUIRE(out[i] == a[i] + b[i]);
    }
    REQUIRE(out[1000] == -5.0F);
  });
}

TEST_CASE("threads run in the order of the options, blocks as well") {
  const auto note_turn = [](int* turn, int* out) { out[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(turn, 1); };
  const auto turns = [&](simt::LaneOrder order) {
    const OptionsGuard guard;
    simt::options().order = order;
    int turn = 0;
    std::vector<int> out(2 * 96);
    launch(+note_turn, 2, 96, 0, kStream, &turn, out.data());
    return out;
  };
  std::vector<int> ascending(2 * 96);
  std::iota(ascending.begin(), ascending.end(), 0);
  CHECK(turns(simt::LaneOrder::forward) == ascending);
  CHECK(turns(simt::LaneOrder::backward) == std::vector<int>(ascending.rbegin(), ascending.rend()));
  const std::vector<int> shuffled = turns(simt::LaneOrder::shuffled);
  CHECK_FALSE(std::is_sorted(shuffled.begin(), shuffled.begin() + 32));
  CHECK(std::is_permutation(shuffled.begin(), shuffled.end(), ascending.begin()));
}

TEST_CASE("blocks on several OS threads give the same result") {
  const OptionsGuard guard;
  simt::options().workers = 3;
  const auto a = wave(8000, 0.37);
  std::vector<float> out(63);
  std::vector<float> expected(63);
  launch(tree_sum<128>, 63, 128, 0, kStream, out.data(), a.data(), 8000);
  simt::options().workers = 1;
  launch(tree_sum<128>, 63, 128, 0, kStream, expected.data(), a.data(), 8000);
  REQUIRE(out == expected);
}

TEST_CASE("indices of threads and blocks run over three dimensions") {
  const auto record = [](int* out) {
    const auto block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const auto thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    out[block * 30 + thread] += int(block * 1000 + thread);
  };
  in_every_order([&] {
    std::vector<int> out(24 * 30);
    launch(+record, dim3(2, 3, 4), dim3(5, 3, 2), 0, kStream, out.data());
    for (int i = 0; i < 24 * 30; ++i) {
      REQUIRE(out[size_t(i)] == i / 30 * 1000 + i % 30);
    }
  });
}

TEST_CASE("a tree in shared memory adds up each block's elements") {
  in_every_order([] {
    const auto in = wave(1000, 0.37);
    std::vector<float> out(8);
    launch(tree_sum<128>, 8, 128, 0, kStream, out.data(), in.data(), 1000);
    for (size_t b = 0; b < 8; ++b) {
      const double sum =
          std::accumulate(in.begin() + long(b) * 128, in.begin() + std::min<long>(1000, long(b) * 128 + 128), 0.0);
      REQUIRE(out[b] == Approx(sum).margin(1e-5));
    }
  });
}

TEST_CASE("block_sum serves a layer norm of rows that are no multiple of the block") {
  in_every_order([] {
    const size_t rows = 4, columns = 300;
    const auto in = wave(rows * columns, 0.37);
    std::vector<float> out(rows * columns);
    launch(layer_norm, unsigned(rows), 96, 0, kStream, out.data(), in.data(), int(columns), 1e-5F);
    for (size_t r = 0; r < rows; ++r) {
      const auto* row = in.data() + r * columns;
      const double mean = std::accumulate(row, row + columns, 0.0) / columns;
      double variance = 0.0;
      for (size_t i = 0; i < columns; ++i) {
        variance += (row[i] - mean) * (row[i] - mean) / columns;
      }
      for (size_t i = 0; i < columns; ++i) {
        REQUIRE(out[r * columns + i] == Approx((row[i] - mean) / std::sqrt(variance + 1e-5)).margin(1e-5));
      }
    }
  });
}

TEST_CASE("dynamic shared memory is there in the size asked for") {
  in_every_order([] {
    const auto in = wave(128, 0.37);
    std::vector<float> out(128);
    launch(reverse, 1, 128, 128 * sizeof(float), kStream, out.data(), in.data());
    REQUIRE(out == std::vector<float>(in.rbegin(), in.rend()));
  });
}

TEST_CASE("votes and shuffles follow the lanes") {
  in_every_order([] {
    const auto in = wave(128, 0.37);
    std::vector<unsigned> positive(128);
    std::vector<int> any_all(128);
    std::vector<float> shuffled(4 * 128);
    launch(warp_operations, 2, 64, 0, kStream, positive.data(), any_all.data(), shuffled.data(), in.data());
    for (size_t i = 0; i < 128; ++i) {
      const size_t first = i / 32 * 32, lane = i % 32;
      unsigned bits = 0;
      bool any = false, all = true;
      for (size_t j = 0; j < 32; ++j) {
        bits |= unsigned(in[first + j] > 0.0F) << j;
        any = any || in[first + j] > 0.9F;
        all = all && in[first + j] > -0.9F;
      }
      REQUIRE(positive[i] == bits);
      REQUIRE(any_all[i] == int(any) + 2 * int(all));
      REQUIRE(shuffled[4 * i] == in[first + 3]);
      REQUIRE(shuffled[4 * i + 1] == in[lane < 2 ? i : i - 2]);
      REQUIRE(shuffled[4 * i + 2] == in[lane % 8 == 7 ? i : i + 1]);
      REQUIRE(shuffled[4 * i + 3] == in[first + (lane ^ 5U)]);
    }
  });
}

TEST_CASE("lanes with disjoint masks meet among themselves") {
  in_every_order([] {
    const auto in = wave(64, 0.37);
    std::vector<float> out(64);
    launch(half_warps, 1, 64, 0, kStream, out.data(), in.data());
    for (size_t i = 0; i < 64; ++i) {
      REQUIRE(out[i] == (i % 32 < 16 ? in[i] + in[i ^ 8U] : in[i] - in[i ^ 4U]));
    }
  });
}

TEST_CASE("integer atomics count over all blocks") {
  in_every_order([] {
    const OptionsGuard guard;
    simt::options().workers = 2;
    std::vector<int> in(200);
    for (int i = 0; i < 200; ++i) {
      in[size_t(i)] = (i * 37) % 101 - 50;
    }
    std::vector<int> counts{0, -1000, 1000, 0, 0, 0};
    launch(count_atomically, 4, 64, 0, kStream, counts.data(), in.data(), 200);
    REQUIRE(counts == std::vector<int>{200, 50, -50, 1, 1, 7});
  });
}

TEST_CASE("the last block finds what all others have left") {
  in_every_order([] {
    const auto in = wave(200, 0.37);
    std::vector<float> partial(4);
    float out = 0.0F;
    unsigned ticket = 0;
    launch(sum_by_last_block, 4, 64, 0, kStream, &out, partial.data(), &ticket, in.data(), 200);
    REQUIRE(out == Approx(std::accumulate(in.begin(), in.end(), 0.0)).margin(1e-5));
    REQUIRE(ticket == 4);
  });
}

TEST_CASE("a block reduction of structs gives every thread the same bits") {
  std::vector<Moments> first;
  in_every_order([&] {
    const auto in = wave(128, 0.37);
    std::vector<Moments> out(128);
    launch(moments, 1, 128, 0, kStream, out.data(), in.data());
    const double mean = std::accumulate(in.begin(), in.end(), 0.0) / 128;
    double deviation = 0.0;
    for (const float x : in) {
      deviation += (x - mean) * (x - mean);
    }
    first = first.empty() ? out : first;
    for (size_t i = 0; i < 128; ++i) {
      REQUIRE(out[i].count == 128.0F);
      REQUIRE(out[i].mean == Approx(mean).margin(1e-6));
      REQUIRE(out[i].deviation == Approx(deviation).epsilon(1e-5));
      REQUIRE(out[i].mean == first[0].mean);
      REQUIRE(out[i].deviation == first[0].deviation);
    }
  });
}

TEST_CASE("the first place of the largest element is found in a block of two dimensions") {
  in_every_order([] {
    auto in = wave(128, 0.37);
    in[70] = in[33] = 2.0F;
    std::vector<int> index(128);
    std::vector<float> largest(128);
    launch(find_largest, 1, dim3(32, 4), 0, kStream, index.data(), largest.data(), in.data());
    REQUIRE(index == std::vector<int>(128, 33));
    REQUIRE(largest == std::vector<float>(128, 2.0F));
  });
}

TEST_CASE("asynchronous copies arrive, with zeros beyond the valid bytes") {
  in_every_order([] {
    const size_t tiles = 3, width = 64, n = 701;
    const auto in = aligned_wave(n);
    std::vector<float4> out(tiles * width);
    launch(stream_tiles, 1, unsigned(width), 0, kStream, &out[0].x, &in[0].x, int(tiles), int(n));
    for (size_t tile = 0; tile < tiles; ++tile) {
      for (size_t t = 0; t < width; ++t) {
        const size_t from = (tile * width + width - 1 - t) * 4;
        const float got[4] = {out[tile * width + t].x, out[tile * width + t].y, out[tile * width + t].z,
                              out[tile * width + t].w};
        for (size_t e = 0; e < 4; ++e) {
          REQUIRE(got[e] == (from + e < n ? 2 * (&in[0].x)[from + e] : 0.0F));
        }
      }
    }
  });
}

TEST_CASE("the tensor core instruction multiplies in its documented register layout") {
  in_every_order([] {
    std::vector<uint16_t> a(16 * 16), b(8 * 16);
    std::vector<float> a_value(a.size()), b_value(b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      a_value[i] = float(int(i * 7 % 23) - 11) / 8;  // exact in bfloat16
      a[i] = uint16_t(std::bit_cast<uint32_t>(a_value[i]) >> 16);
    }
    for (size_t i = 0; i < b.size(); ++i) {
      b_value[i] = float(int(i * 5 % 19) - 9) / 4;
      b[i] = uint16_t(std::bit_cast<uint32_t>(b_value[i]) >> 16);
    }
    std::vector<float> d(16 * 8);
    launch(multiply_tile, 1, 32, 0, kStream, d.data(), a.data(), b.data());
    for (size_t m = 0; m < 16; ++m) {
      for (size_t n = 0; n < 8; ++n) {
        double sum = 0.0;
        for (size_t k = 0; k < 16; ++k) {
          sum += double(a_value[m * 16 + k]) * b_value[n * 16 + k];
        }
        REQUIRE(d[m * 8 + n] == float(sum));
      }
    }
  });
}

TEST_CASE("attention over tiles of keys matches the softmax written out") {
  constexpr size_t kLength = 56, kDim = 16, kHeads = 4;
  const auto q = wave(kHeads * kLength * kDim, 0.37);
  const auto k = wave(q.size(), 0.11);
  const auto v = wave(q.size(), 0.23);
  const auto bias = wave(2 * kLength - 1, 0.05);
  std::vector<double> expected(q.size());
  for (size_t row = 0; row < kHeads * kLength; ++row) {
    const size_t base = row / kLength * kLength * kDim;
    double weights[kLength], total = 0.0;
    for (size_t j = 0; j < kLength; ++j) {
      double logit = bias[j + kLength - 1 - row % kLength];
      for (size_t d = 0; d < kDim; ++d) {
        logit += double(q[row * kDim + d]) * k[base + j * kDim + d];
      }
      total += weights[j] = std::exp(logit);
    }
    for (size_t d = 0; d < kDim; ++d) {
      for (size_t j = 0; j < kLength; ++j) {
        expected[row * kDim + d] += weights[j] / total * v[base + j * kDim + d];
      }
    }
  }
  in_every_order([&] {
    std::vector<float> out(q.size());
    launch(attention<kLength, kDim>, kHeads, 128, 0, kStream, out.data(), q.data(), k.data(), v.data(), bias.data());
    for (size_t i = 0; i < out.size(); ++i) {
      REQUIRE(out[i] == Approx(expected[i]).margin(1e-5));
    }
  });
}

TEST_CASE("a kernel without barriers runs all lanes on one stack") {
  const auto locate = [](uintptr_t* place) { place[threadIdx.x] = uintptr_t(__builtin_frame_address(0)); };
  std::vector<uintptr_t> place(256);
  launch(+locate, 1, 256, 0, kStream, place.data());
  REQUIRE(place == std::vector<uintptr_t>(256, place[0]));
}

TEST_CASE("the device's mathematics has CUDA's meaning") {
  CHECK(__brev(0x00000001U) == 0x80000000U);
  CHECK(__brev(0x12345678U) == 0x1e6a2c48U);
  CHECK((__ffs(0) == 0 && __ffs(8) == 4 && __clz(1) == 31 && __popc(0xf0f0U) == 8));
  CHECK(__umulhi(0xffffffffU, 0xffffffffU) == 0xfffffffeU);
  CHECK(rsqrtf(4.0F) == 0.5F);
  CHECK(max(std::nanf(""), 1.0F) == 1.0F);
  CHECK(min(3, int64_t{-5}) == -5);
  CHECK((__saturatef(-1.0F) == 0.0F && __saturatef(2.0F) == 1.0F && __saturatef(std::nanf("")) == 0.0F));
}

}  // namespace lv::test
