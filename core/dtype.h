#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/error.h"
#include "core/half.h"

namespace lv {

enum class DType : uint8_t { f32, f64, f16, bf16, i32, i64, u8, boolean };

constexpr int64_t size_bytes(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

constexpr std::string_view name(DType dtype) {
  constexpr std::string_view kNames[] = {"f32", "f64", "f16", "bf16", "i32", "i64", "u8", "bool"};
  return kNames[int(dtype)];
}

constexpr bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}
constexpr bool is_reduced(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

/// The DType of a C++ element type.
template <class T>
inline constexpr DType kDTypeOf = [] {
  if constexpr (std::is_same_v<T, float>) {
    return DType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return DType::f64;
  } else if constexpr (std::is_same_v<T, Half>) {
    return DType::f16;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return DType::bf16;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return DType::i32;
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return DType::i64;
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    return DType::u8;
  } else {
    static_assert(std::is_same_v<T, bool>, "no DType for this type");
    return DType::boolean;
  }
}();

/// The type in which sums over T are kept: float for 16-bit types, int64 for integers, T itself otherwise.
template <class T>
using Accumulator = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float,
                                       std::conditional_t<std::is_integral_v<T>, int64_t, T>>;

/// Converts between any two element types: float to integer truncates, anything to bool compares with zero.
template <class To, class From>
LV_HOSTDEV To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else {
    return static_cast<To>(value);
  }
}

/// Calls `fn.template operator()<T>()` with the C++ type of a floating dtype; throws DTypeError naming `who` otherwise.
template <class Fn>
decltype(auto) visit_floating(DType dtype, std::string_view who, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn.template operator()<float>();
    case DType::f64:
      return fn.template operator()<double>();
    case DType::f16:
      return fn.template operator()<Half>();
    case DType::bf16:
      return fn.template operator()<BFloat16>();
    default:
      fail<DTypeError>("{}: wants a floating dtype, got {}", who, name(dtype));
  }
}

/// As visit_floating, for every dtype.
template <class Fn>
decltype(auto) visit_any(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn.template operator()<float>();
    case DType::f64:
      return fn.template operator()<double>();
    case DType::f16:
      return fn.template operator()<Half>();
    case DType::bf16:
      return fn.template operator()<BFloat16>();
    case DType::i32:
      return fn.template operator()<int32_t>();
    case DType::i64:
      return fn.template operator()<int64_t>();
    case DType::u8:
      return fn.template operator()<uint8_t>();
    case DType::boolean:
      return fn.template operator()<bool>();
  }
  fail("visit_any: invalid dtype {}", int(dtype));
}

}  // namespace lv

template <>
struct fmt::formatter<lv::DType> : fmt::formatter<std::string_view> {
  auto format(lv::DType dtype, format_context& context) const {
    return fmt::formatter<std::string_view>::format(lv::name(dtype), context);
  }
};
