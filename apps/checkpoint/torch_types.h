#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/dtype.h"

namespace lv::checkpoint {

/// The class by which a pickle names the element type of a storage.
struct StorageType {
  std::string_view name;
  DType dtype;
};
inline constexpr StorageType kStorageTypes[] = {
    {"torch.FloatStorage", DType::f32},     {"torch.DoubleStorage", DType::f64},   {"torch.HalfStorage", DType::f16},
    {"torch.BFloat16Storage", DType::bf16}, {"torch.IntStorage", DType::i32},      {"torch.LongStorage", DType::i64},
    {"torch.ByteStorage", DType::u8},       {"torch.BoolStorage", DType::boolean},
};

}  // namespace lv::checkpoint
