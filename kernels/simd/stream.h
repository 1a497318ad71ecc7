#pragma once
// Stores that go to memory without a place in the caches. A plain store to a line that no cache holds first reads it,
// so that writing costs twice the traffic; that reading is saved here, and what the caches hold stays. It pays for
// results so large that their beginning would have left the caches before anybody reads it.

#include <immintrin.h>

#include "kernels/simd/loop.h"

namespace lv::simd {
inline namespace LV_ISA {

/// Results from this size on are better stored past the caches, even if the next op reads them at once. Measured with
/// 32 MiB of last-level cache: batch norm and a reader of its result gain 20 % at 12.3 MiB and lose 40 % at 6.1 MiB.
inline constexpr int64_t kStreamBytes = int64_t{12} << 20;

/// As store(p, v), past the caches. `p` must be aligned to the bytes stored. Other threads may see the values only
/// after finish_streams().
template <class T>
void store_past_caches(T* p, Vec<Lane<T>> v) {
  constexpr int kBytes = Vec<Lane<T>>::kLanes * int(sizeof(T));
  if constexpr (kBytes == 8) {
    store(p, v);
  } else {
    alignas(kBytes) char bytes[kBytes];
    store(reinterpret_cast<T*>(bytes), v);
#if defined(LV_SIMD_AVX512)
    if constexpr (kBytes == 64) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(p), *reinterpret_cast<const __m512i*>(bytes));
    }
#endif
#if defined(LV_SIMD_AVX512) || defined(LV_SIMD_AVX2)
    if constexpr (kBytes == 32) {
      _mm256_stream_si256(reinterpret_cast<__m256i*>(p), *reinterpret_cast<const __m256i*>(bytes));
    }
#endif
    if constexpr (kBytes == 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(p), *reinterpret_cast<const __m128i*>(bytes));
    }
  }
}

/// Asks for the memory a little after `p`. The processor's own prefetcher stops at each page and loses its way among
/// several streams of rows: reading two rows at once gains up to a third by it, reading one array loses.
template <class T>
void prefetch_after(const T* p) {
  constexpr int64_t kDistanceBytes = 4096;
  __builtin_prefetch(reinterpret_cast<const char*>(p) + kDistanceBytes);
}

/// The way of an array's reads where several of its rows are read at once, decided once for all of it.
struct ReadPath {
  bool is_large = false;  // so that the near caches do not hold it

  /// count: elements of the array.
  template <class T>
  static ReadPath for_rows(int64_t count) {
    constexpr int64_t kLargeBytes = int64_t{8} << 20;
    return {count * int64_t(sizeof(T)) >= kLargeBytes};
  }

  /// Inlined always, since GCC drops calls of a function that does nothing but prefetch.
  template <class T>
  [[gnu::always_inline]] void prefetch_after(const T* p) const {
    if (is_large) {
      simd::prefetch_after(p);
    }
  }
};

/// Orders this thread's streamed stores before its later ones.
inline void finish_streams() { _mm_sfence(); }

/// The way of an array's stores, decided once for all of it.
struct StorePath {
  bool past_caches = false;

  /// Past the caches for a large matrix whose rows all begin on a cache line. step: elements between rows; count:
  /// elements of the whole result.
  template <class T>
  static StorePath for_rows(const T* data, int64_t step, int64_t count) {
    const uintptr_t misaligned = (reinterpret_cast<uintptr_t>(data) | uintptr_t(step) * sizeof(T)) % 64;
    return {count * int64_t(sizeof(T)) >= kStreamBytes && misaligned == 0};
  }

  template <class Lanes, class T>
  void store(Lanes lanes, T* p, Vec<Lane<T>> v) const {
    if constexpr (std::is_same_v<Lanes, WholeVector>) {
      if (past_caches) {
        store_past_caches(p, v);
        return;
      }
    }
    lanes.store(p, v);
  }

  /// To be called by each thread after its share.
  void finish() const {
    if (past_caches) {
      finish_streams();
    }
  }
};

}  // namespace LV_ISA
}  // namespace lv::simd
