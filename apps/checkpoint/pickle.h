#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Python's pickle format, read as data: nothing it names is looked up, imported or called.

namespace lv::checkpoint::pickle {

/// A value's place in Data::values; values refer to each other by it.
using Id = uint32_t;

struct None {};
/// A function or class, by its full name: "torch._utils._rebuild_tensor_v2".
struct Global {
  std::string name;
};
struct List {
  std::vector<Id> items;
};
struct Tuple {
  std::vector<Id> items;
};
struct Dict {
  std::vector<std::pair<Id, Id>> items;
};
/// What Python would get by calling a function; kept as it stands.
struct Call {
  Id function;
  Id arguments;  // a tuple
};
/// An object kept outside of the pickle.
struct Persistent {
  Id id;
};
using Value = std::variant<None, bool, int64_t, double, std::string, Global, List, Tuple, Dict, Call, Persistent>;

struct Data {
  std::vector<Value> values;  // lists and dictionaries may refer to themselves
  Id root = 0;
};

/// Limits of what is read: a list of tensors takes some 200 bytes and 20 values for each.
inline constexpr size_t kMaxBytes = 16 << 20;
inline constexpr size_t kMaxValues = 4 << 20;

/// Reads a pickle. An opcode other than those of plain data, or a function or class that is not in
/// `globals`, is refused by name. An ordered dictionary becomes a Dict, and so does an argparse.Namespace; their
/// attributes are left out. Throws IoError that begins with `source`.
Data parse(std::span<const std::byte> bytes, std::string_view source, std::span<const std::string_view> globals);

}  // namespace lv::checkpoint::pickle
