#include "bench/limits.h"

#include <immintrin.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/parallel.h"
#include "core/tensor.h"

namespace lv::bench {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Runs work(thread) on every thread at once and returns the seconds until the last one is done: the least of `rounds`.
template <class Fn>
double fastest_round(int rounds, const Fn& work) {
  const int threads = num_threads();
  double best = 1e30;
  std::barrier gate(threads);
  const auto run = [&](int thread) {
    for (int round = 0; round < rounds; ++round) {
      gate.arrive_and_wait();
      const Clock::time_point begin = Clock::now();
      work(thread);
      gate.arrive_and_wait();
      if (thread == 0) {
        best = std::min(best, seconds_since(begin));
      }
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) {
    others.emplace_back(run, thread);
  }
  run(0);
  return best;
}

// Enough independent sums to hide the latency of a multiply-add (4 cycles, two a cycle), few enough for 16 registers.
constexpr int kSums = 12;
constexpr int64_t kSteps = 1 << 20;
// As many as find a quiet moment.
constexpr int kRounds = 25;

/// Keeps the compiler from computing a sum ahead or dropping it.
template <class V>
void keep(V& value) {
  asm volatile("" : "+v"(value));
}

__attribute__((target("avx2,fma"))) void multiply_add_avx2() {
  __m256 sums[kSums] = {};  // unrolled below, so that they are registers
  __m256 factor = _mm256_set1_ps(0.5F);
  asm volatile("" : "+x"(factor));
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(sum, factor, factor);
      asm volatile("" : "+x"(sum));
    }
  }
}

__attribute__((target("avx512f"))) void multiply_add_avx512() {
  __m512 sums[kSums] = {};
  __m512 factor = _mm512_set1_ps(0.5F);
  keep(factor);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(sum, factor, factor);
      keep(sum);
    }
  }
}

__attribute__((target("avx512f,avx512bf16"))) void multiply_add_bf16() {
  __m512 sums[kSums] = {};
  __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F));
  keep(factor);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, factor, factor);
      keep(sum);
    }
  }
}

double flops_per_second(void (*loop)(), int flops_per_instruction) {
  const double seconds = fastest_round(kRounds, [&](int) { loop(); });
  return double(num_threads()) * double(kSteps) * kSums * flops_per_instruction / seconds;
}

__attribute__((target("avx2"))) void copy_non_temporal(const char* from, char* to, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i)));
  }
  _mm_sfence();
}

__attribute__((target("avx2"))) void copy_plain(const char* from, char* to, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 32) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + i),
                       _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i)));
  }
}

/// Bytes read and written a second when each thread copies its part of `half` bytes again and again.
double copy_speed(void (*copy)(const char*, char*, int64_t), const char* from, char* to, int64_t half) {
  const int64_t part = half / num_threads() / 32 * 32;
  const int repeats = int(std::max<int64_t>(1, (int64_t{16} << 20) / half));
  const double seconds = fastest_round(kRounds, [&](int thread) {
    for (int repeat = 0; repeat < repeats; ++repeat) {
      copy(from + thread * part, to + thread * part, part);
    }
  });
  return 2.0 * double(part) * num_threads() * repeats / seconds;
}

}  // namespace

double Limits::bytes_per_second(double bytes) const {
  double result = copies.front().bytes_per_second;
  for (const Copy& copy : copies) {
    if (copy.bytes <= bytes) {
      result = copy.bytes_per_second;
    }
  }
  return result;
}

double Limits::seconds(const specs::Cost& cost, DType dtype) const {
  const double flops = dtype == DType::bf16 ? bf16_flops_per_second : fp32_flops_per_second;
  return std::max(cost.bytes / bytes_per_second(cost.bytes), cost.flops / flops);
}

Limits measure_limits() {
  Limits limits;
  const bool has_avx512 = __builtin_cpu_supports("avx512f");
  limits.isa = has_avx512 ? "AVX-512" : "AVX2";
  limits.fp32_flops_per_second =
      has_avx512 ? flops_per_second(multiply_add_avx512, 32) : flops_per_second(multiply_add_avx2, 16);
  limits.bf16_flops_per_second = limits.fp32_flops_per_second;
  if (__builtin_cpu_supports("avx512bf16")) {
    limits.isa = "AVX-512 BF16";
    limits.bf16_flops_per_second = flops_per_second(multiply_add_bf16, 64);
  }
  constexpr int64_t kSmallest = int64_t{1} << 18;
  constexpr int64_t kLargest = int64_t{1} << 28;
  const Tensor from = Tensor::full({kLargest / 2}, 1, DType::u8);
  const Tensor to = Tensor::full({kLargest / 2}, 2, DType::u8);
  for (int64_t bytes = kSmallest; bytes <= kLargest; bytes *= 2) {
    const auto speed = [&](void (*copy)(const char*, char*, int64_t)) {
      return copy_speed(copy, static_cast<const char*>(from.raw_data()), static_cast<char*>(to.raw_data()), bytes / 2);
    };
    limits.copies.push_back({double(bytes), std::max(speed(copy_plain), speed(copy_non_temporal))});
  }
  return limits;
}

}  // namespace lv::bench
