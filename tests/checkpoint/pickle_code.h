#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Pieces of pickles, protocol 2.

namespace lv::test {

inline std::string code(std::string_view operations) { return "\x80\x02" + std::string(operations) + "."; }

inline std::string text(std::string_view value) {
  const auto size = uint32_t(value.size());
  return "X" + std::string(reinterpret_cast<const char*>(&size), sizeof size) + std::string(value);
}
inline std::string number(int64_t value) {
  return "\x8a\x08" + std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
inline std::string numbers(const std::vector<int64_t>& values) {
  std::string items;
  for (const int64_t value : values) {
    items += number(value);
  }
  return "(" + items + "t";
}
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string dict(std::string_view items) { return "}(" + std::string(items) + "u"; }

/// A reference to storage `key` of `count` elements.
inline std::string storage(std::string_view type, std::string_view key, int64_t count) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + number(count) + "tQ";
}
inline std::string tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                          const std::vector<int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + number(offset) + numbers(shape) +
         numbers(strides) + "\x89" + global("collections", "OrderedDict") + ")RtR";
}

}  // namespace lv::test
