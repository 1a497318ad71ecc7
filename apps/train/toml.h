#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lv::train {

struct TomlValue {
  std::string text;      // what stood there, quotes and escapes resolved
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

/// Reads the part of TOML that configurations need: tables, comments, and keys with texts ("..." or '...'), numbers,
/// true and false, and arrays of these, which may go over several lines. Throws UsageError "SOURCE:LINE: ..." for
/// everything else, and for a key that is given twice.
std::vector<TomlEntry> parse_toml(std::string_view text, std::string_view source);

/// `text` in quotes, as parse_toml reads it.
std::string quote_toml(std::string_view text);

}  // namespace lv::train
