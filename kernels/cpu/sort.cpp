#include "kernels/sort.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/sort.cell.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class Key>
struct Pair {
  Key key;
  uint32_t position;

  friend bool operator<(const Pair& a, const Pair& b) {
    return a.key < b.key || (a.key == b.key && a.position < b.position);
  }
};

/// Stable sort by one byte of the key at a time, from the lowest; bytes that all keys share are passed over. Returns
/// whichever of the two buffers holds the result.
template <class Key>
Pair<Key>* radix_sort(Pair<Key>* pairs, Pair<Key>* other, int64_t n) {
  constexpr int kBytes = sizeof(Key);
  uint32_t counts[kBytes][256] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int byte = 0; byte < kBytes; ++byte) {
      ++counts[byte][pairs[i].key >> (8 * byte) & 255];
    }
  }
  for (int byte = 0; byte < kBytes; ++byte) {
    const auto digit = [byte](const Pair<Key>& pair) { return pair.key >> (8 * byte) & 255; };
    if (counts[byte][digit(pairs[0])] == n) {
      continue;
    }
    uint32_t start = 0;
    for (uint32_t& count : counts[byte]) {
      start += std::exchange(count, start);
    }
    for (int64_t i = 0; i < n; ++i) {
      other[counts[byte][digit(pairs[i])]++] = pairs[i];
    }
    std::swap(pairs, other);
  }
  return pairs;
}

/// All pairs of a row in order; returns whichever buffer of n pairs holds them.
template <class T>
const Pair<SortKey<T>>* sort_row(const T* x, Pair<SortKey<T>>* pairs, Pair<SortKey<T>>* other, int64_t n,
                                 bool descending) {
  for (int64_t i = 0; i < n; ++i) {
    pairs[i] = {sort_key(x[i], descending), uint32_t(i)};
  }
  constexpr int64_t kSmall = 256;  // below, counting 256 digits costs more than comparing
  if (n > kSmall) {
    return radix_sort(pairs, other, n);
  }
  std::sort(pairs, pairs + n);  // no two pairs are equal, so that the result is that of a stable sort
  return pairs;
}

/// Calls take(pair) for those of x[begin .. n) whose keys lie below `limit`, which may fall from call to call. (A key
/// equal to the limit comes after the one that set it.)
template <class T, class Take>
void for_each_below(const SortKey<T>& limit, const T* x, int64_t begin, int64_t n, bool descending, Take take) {
  using Key = SortKey<T>;
  constexpr int64_t kBlock = 64;
  Key keys[kBlock];
  for (; begin < n; begin += kBlock) {
    const int64_t size = std::min(kBlock, n - begin);
    const Key limit_of_block = limit;
    Key is_any_below = 0;
    for (int64_t i = 0; i < size; ++i) {
      keys[i] = sort_key(x[begin + i], descending);
      is_any_below |= Key(keys[i] < limit_of_block);
    }
    for (int64_t i = 0; is_any_below != 0 && i < size; ++i) {
      if (keys[i] < limit) {
        take(Pair<Key>{keys[i], uint32_t(begin + i)});
      }
    }
  }
}

/// The first k pairs of a row in order, k > 0, for few: they are kept in order while others are put among them.
template <class T>
void insert_first(const T* x, Pair<SortKey<T>>* first, int64_t n, int64_t k, bool descending) {
  using Key = SortKey<T>;
  const auto insert = [first](const Pair<Key>& pair, int64_t place) {
    for (; place > 0 && pair.key < first[place - 1].key; --place) {
      first[place] = first[place - 1];
    }
    first[place] = pair;
  };
  for (int64_t i = 0; i < k; ++i) {
    insert({sort_key(x[i], descending), uint32_t(i)}, i);
  }
  for_each_below(first[k - 1].key, x, k, n, descending, [&](const Pair<Key>& pair) { insert(pair, k - 1); });
}

/// As insert_first, 2 k <= n: candidates are gathered, and thinned out to the best k when they are twice as many.
template <class T>
void select_first(const T* x, Pair<SortKey<T>>* candidates, int64_t n, int64_t k, bool descending) {
  using Key = SortKey<T>;
  int64_t count = 2 * k;
  Key limit = 0;
  const auto thin_out = [&] {
    std::nth_element(candidates, candidates + (k - 1), candidates + count);
    count = k;
    limit = candidates[k - 1].key;
  };
  for (int64_t i = 0; i < count; ++i) {
    candidates[i] = {sort_key(x[i], descending), uint32_t(i)};
  }
  thin_out();
  for_each_below(limit, x, 2 * k, n, descending, [&](const Pair<Key>& pair) {
    candidates[count++] = pair;
    if (count == 2 * k) {
      thin_out();
    }
  });
  std::nth_element(candidates, candidates + (k - 1), candidates + count);
  std::sort(candidates, candidates + k);
}

template <class T>
void sort_rows(const ArgsortArgs& args, Pair<SortKey<T>>* pairs, int64_t begin, int64_t end) {
  const int64_t n = args.x.size(1);
  const int64_t k = args.indices.size(1);
  const bool is_selection = 8 * k <= n;
  constexpr int64_t kFew = 16;  // places among which to put a value by moving those behind it
  for (int64_t row = begin; row < end; ++row) {
    const T* const x = args.x.as<T>() + row * n;
    const Pair<SortKey<T>>* sorted = pairs;
    if (is_selection && k <= kFew) {
      insert_first(x, pairs, n, k, args.descending);
    } else if (is_selection) {
      select_first(x, pairs, n, k, args.descending);
    } else {
      sorted = sort_row(x, pairs, pairs + n, n, args.descending);
    }
    int64_t* const indices = args.indices.as<int64_t>() + row * k;
    for (int64_t i = 0; i < k; ++i) {
      indices[i] = sorted[i].position;
    }
  }
}

}  // namespace

void argsort(const ArgsortArgs& args) {
  const int64_t rows = args.x.size(0);
  const int64_t n = args.x.size(1);
  if (args.indices.numel() == 0) {
    return;
  }
  const int64_t grain = chunk_count(rows, kSortTasks);
  visit_any(args.x.dtype, [&]<class T>() {
    parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
      auto* const workspace = args.workspace.as<Pair<SortKey<T>>>();
      sort_rows<T>(args, workspace + begin / grain * 2 * n, begin, end);
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(argsort, ArgsortArgs)
