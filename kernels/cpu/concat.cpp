#include "kernels/concat.h"

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/copy_bytes.h"
#include "kernels/cpu/isa.h"

// Short rows (channels of pixels) are put together row by row, so that the result is written in order: part by part it
// would be written in pieces that lie apart, which the processor does not see coming.

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// What one part contributes to each row of the result.
struct Piece {
  const std::byte* from;
  int64_t bytes;
};

int64_t elements_from(const ConstTensorRef& array, int axis) {
  int64_t count = 1;
  for (int i = axis; i < array.rank(); ++i) {
    count *= array.shape[i];
  }
  return count;
}

bool is_contiguous(const ConstTensorRef& array) { return array.strides == contiguous_strides(array.shape); }

void write_rows(const std::vector<Piece>& pieces, std::byte* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    for (const auto& [from, bytes] : pieces) {
      copy_bytes(y, from + row * bytes, bytes);
      y += bytes;
    }
  }
}

}  // namespace

void concat(const ConcatArgs& args) {
  constexpr int64_t kShortRow = 16384;  // bytes
  constexpr int64_t kGrain = 65536;     // bytes
  const int64_t row_bytes = elements_from(args.y, args.axis) * size_bytes(args.y.dtype);
  const bool is_in_rows =
      row_bytes > 0 && row_bytes <= kShortRow && std::all_of(args.parts.begin(), args.parts.end(), is_contiguous);
  if (!is_in_rows) {
    for_each_part(args, [](const CopyArgs& copy_args) { cpu::copy(copy_args); });
    return;
  }
  std::vector<Piece> pieces;
  for (const ConstTensorRef& part : args.parts) {
    pieces.push_back({part.as<std::byte>(), elements_from(part, args.axis) * size_bytes(part.dtype)});
  }
  auto* const y = args.y.as<std::byte>();
  parallel_for(args.y.numel() * size_bytes(args.y.dtype) / row_bytes, std::max<int64_t>(1, kGrain / row_bytes),
               [&](int64_t begin, int64_t end) { write_rows(pieces, y + begin * row_bytes, begin, end); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(concat, ConcatArgs)
