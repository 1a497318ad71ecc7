#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lv::train {

struct TomlValue {
  std::string text;      // a number as one that reads back as the same
  bool is_text = false;  // it was quoted
};

/// `key = value` or `key = [values]` of a configuration.
struct TomlEntry {
  std::string table;  // the [table] above it; empty before the first
  std::string key;
  std::vector<TomlValue> values;
  bool is_array = false;
  int line = 0;  // from 1
};

/// The entries of a TOML file, in its order: texts, numbers, true and false, and arrays of these, in tables one level
/// deep. Throws UsageError "SOURCE:LINE: ..." for what is not TOML, and for dates and deeper tables.
std::vector<TomlEntry> parse_toml(std::string_view text, std::string_view source);

/// `text` in quotes and escaped, as a TOML value.
std::string quote_toml(std::string_view text);

}  // namespace lv::train
