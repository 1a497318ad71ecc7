#include "kernels/sort.h"

#include <bit>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/sort.cuh"

namespace lv::kernels::cuda {

namespace {

constexpr int64_t kMaxGridRows = 65535;

/// Sorts rows that fill one launch; workspace: two arrays of pairs, or null where a tile holds a row.
template <class T>
void sort_rows(const T* x, int64_t* indices, char* workspace, int64_t rows, int64_t n, int64_t k, bool descending,
               Stream stream) {
  const bool is_one_tile = n <= kSortTile;
  const int64_t total = rows * n;
  using Key = SortKey<T>;
  auto* const keys = reinterpret_cast<Key*>(workspace);
  auto* const positions = reinterpret_cast<uint32_t*>(keys + 2 * total);
  SortPairs<Key> from{keys, positions};
  SortPairs<Key> to{keys + total, positions + total};
  const auto size = is_one_tile ? int(std::max<uint64_t>(std::bit_ceil(uint64_t(n)), 64)) : int(kSortTile);
  const auto row_blocks = unsigned(rows);
  launch(sort_tile_kernel<T>, {unsigned((n + size - 1) / size), row_blocks}, unsigned(std::min(size / 2, 512)),
         size * int64_t(sizeof(Key) + sizeof(uint32_t)), stream, x, n, size, descending,
         is_one_tile ? indices : nullptr, k, from);
  for (int64_t run = size; run < n; run *= 2) {
    launch(merge_runs_kernel<Key>, {blocks_for(n), row_blocks}, kElementThreads, 0, stream, from, to, n, run,
           2 * run < n ? nullptr : indices, k);
    std::swap(from, to);
  }
}

}  // namespace

void argsort(const ArgsortArgs& args, Stream stream) {
  const int64_t rows = args.x.size(0);
  const int64_t n = args.x.size(1);
  const int64_t k = args.indices.size(1);
  if (args.indices.numel() == 0) {
    return;
  }
  visit_any(args.x.dtype, [&]<class T>() {
    for (int64_t first = 0; first < rows; first += kMaxGridRows) {
      sort_rows(args.x.as<T>() + first * n, args.indices.as<int64_t>() + first * k, args.workspace.as<char>(),
                std::min(kMaxGridRows, rows - first), n, k, args.descending, stream);
    }
  });
}

}  // namespace lv::kernels::cuda
