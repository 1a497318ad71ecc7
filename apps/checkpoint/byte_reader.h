#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"

namespace lv::checkpoint {

/// Reads little-endian numbers and bytes one after the other. Every member that would pass the end throws IoError that
/// begins with `source`, the name of what is read.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view source) : bytes_(bytes), source_(source) {}

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::span<const std::byte> take(uint64_t count) {
    LV_CHECK_AS(IoError, count <= bytes_.size() - at_,
                "{}: wants {} bytes at byte {} and has {}; it is damaged or was cut off", source_, count, at_,
                bytes_.size() - at_);
    const auto taken = bytes_.subspan(at_, size_t(count));
    at_ += size_t(count);
    return taken;
  }
  std::string text(uint64_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  /// The characters before the next line feed, which is skipped.
  std::string line() {
    const auto rest = bytes_.subspan(at_);
    const void* const end = rest.empty() ? nullptr : std::memchr(rest.data(), '\n', rest.size());
    LV_CHECK_AS(IoError, end != nullptr, "{}: the line at byte {} does not end; it is damaged or was cut off", source_,
                at_);
    std::string result = text(uint64_t(static_cast<const std::byte*>(end) - rest.data()));
    ++at_;
    return result;
  }

  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::string_view source_;
  size_t at_ = 0;
};

}  // namespace lv::checkpoint
