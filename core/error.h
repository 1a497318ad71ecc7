#pragma once

#if defined(__CUDACC__)
// nvcc's front end cannot evaluate the check of format strings, which g++ makes in every build.
#define FMT_CONSTEVAL
#define FMT_USE_CONSTEXPR 1
#endif
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace lv {

/// Base of everything the library throws. Text: the op or function, the fact, what was wanted, every shape involved.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error {
  using Error::Error;
};
struct DTypeError : Error {
  using Error::Error;
};
struct DeviceError : Error {
  using Error::Error;
};
struct IoError : Error {
  using Error::Error;
};
struct CudaError : Error {
  using Error::Error;
};
struct DistributedError : Error {
  using Error::Error;
};
struct OutOfMemoryError : Error {
  using Error::Error;
};

/// Throws `E` with a formatted text; the out-of-line end of every failed check.
template <class E = Error, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw E(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace lv

// A check builds its message only when it fails.
#define LV_CHECK_AS(ErrorType, condition, ...) \
  do {                                         \
    if (!(condition)) [[unlikely]] {           \
      ::lv::fail<ErrorType>(__VA_ARGS__);      \
    }                                          \
  } while (false)
#define LV_CHECK(condition, ...) LV_CHECK_AS(::lv::Error, condition, __VA_ARGS__)
#define LV_CHECK_SHAPE(condition, ...) LV_CHECK_AS(::lv::ShapeError, condition, __VA_ARGS__)
#define LV_CHECK_DTYPE(condition, ...) LV_CHECK_AS(::lv::DTypeError, condition, __VA_ARGS__)
#define LV_CHECK_DEVICE(condition, ...) LV_CHECK_AS(::lv::DeviceError, condition, __VA_ARGS__)
