#include "apps/train/toml.h"

#include <toml++/toml.h>
#include <algorithm>
#include <sstream>

#include "apps/train/usage_error.h"

namespace lv::train {

namespace {

[[noreturn]] void fail_at(std::string_view source, const toml::source_region& region, std::string_view what) {
  fail<UsageError>("{}:{}: {}", source, region.begin.line, what);
}

TomlValue value_of(const toml::node& node, std::string_view source) {
  if (const auto* const text = node.as_string()) {
    return {text->get(), true};
  }
  if (const auto* const integer = node.as_integer()) {
    return {fmt::format("{}", integer->get()), false};
  }
  if (const auto* const number = node.as_floating_point()) {
    return {fmt::format("{}", number->get()), false};
  }
  if (const auto* const truth = node.as_boolean()) {
    return {fmt::format("{}", truth->get()), false};
  }
  fail_at(source, node.source(), "wants a \"text\", a number, true, false or an array of these");
}

void add_entries(const toml::table& table, const std::string& name, std::string_view source,
                 std::vector<TomlEntry>& entries) {
  for (const auto& [key, node] : table) {
    const std::string key_text(key.str());
    if (const auto* const inner = node.as_table()) {
      if (!name.empty()) {
        fail_at(source, key.source(), fmt::format("'{}' is a table within table '{}'", key_text, name));
      }
      add_entries(*inner, key_text, source, entries);
      continue;
    }
    TomlEntry& entry = entries.emplace_back();
    entry.table = name;
    entry.key = key_text;
    entry.line = int(key.source().begin.line);
    if (const auto* const array = node.as_array()) {
      entry.is_array = true;
      for (const toml::node& element : *array) {
        entry.values.push_back(value_of(element, source));
      }
    } else {
      entry.values.push_back(value_of(node, source));
    }
  }
}

}  // namespace

std::vector<TomlEntry> parse_toml(std::string_view text, std::string_view source) {
  std::vector<TomlEntry> entries;
  try {
    add_entries(toml::parse(text), "", source, entries);
  } catch (const toml::parse_error& error) {
    fail_at(source, error.source(), error.description());
  }
  std::ranges::stable_sort(entries, {}, &TomlEntry::line);  // as they stand in the file
  return entries;
}

std::string quote_toml(std::string_view text) {
  std::ostringstream stream;
  stream << toml::toml_formatter{toml::value<std::string>(text), toml::format_flags::allow_unicode_strings};
  return stream.str();
}

}  // namespace lv::train
