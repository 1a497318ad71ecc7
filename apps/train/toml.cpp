#include "apps/train/toml.h"

#include <set>
#include <utility>

#include "apps/train/usage_error.h"
#include "core/utf8.h"

namespace lv::train {

namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  std::vector<TomlEntry> parse() {
    if (!is_utf8(text_)) {
      fail("is not UTF-8");
    }
    for (skip_blank(); !at_end(); skip_blank()) {
      if (peek() == '[') {
        read_table();
      } else {
        read_entry();
      }
      end_line();
    }
    return std::move(entries_);
  }

 private:
  [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }
  char take() {
    const char c = text_[position_++];
    line_ += int(c == '\n');
    return c;
  }
  [[noreturn]] void fail(std::string_view what) const { lv::fail<UsageError>("{}:{}: {}", source_, line_, what); }
  void expect(char wanted, std::string_view where) {
    if (at_end() || peek() != wanted) {
      fail(fmt::format("wants '{}' {}", wanted, where));
    }
    take();
  }

  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') {
      take();
    }
  }
  void skip_comment() {
    if (peek() == '#') {
      while (!at_end() && peek() != '\n') {
        take();
      }
    }
  }
  void skip_blank() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n' || peek() == '#')) {
      peek() == '#' ? skip_comment() : void(take());
    }
  }
  void end_line() {
    skip_spaces();
    skip_comment();
    if (peek() == '\r') {
      take();
    }
    if (!at_end() && peek() != '\n') {
      fail("there is more on the line than a table or one key and its value");
    }
  }

  std::string read_name(std::string_view what) {
    std::string name;
    while (is_bare(peek())) {
      name += take();
    }
    if (name.empty()) {
      fail(fmt::format("wants {} of letters, digits, '-' and '_'", what));
    }
    return name;
  }

  void read_table() {
    take();
    skip_spaces();
    table_ = read_name("a table's name");
    skip_spaces();
    expect(']', "after the table's name");
    if (!tables_.insert(table_).second) {
      fail(fmt::format("there is a table [{}] above already", table_));
    }
  }

  void read_entry() {
    TomlEntry entry{.table = table_, .key = read_name("a key"), .values = {}, .is_array = false, .line = line_};
    if (!keys_.emplace(table_, entry.key).second) {
      fail(fmt::format("'{}' is given twice", entry.key));
    }
    skip_spaces();
    expect('=', fmt::format("after '{}'", entry.key));
    skip_spaces();
    if (peek() == '[') {
      entry.is_array = true;
      read_array(entry.values);
    } else {
      entry.values.push_back(read_value());
    }
    entries_.push_back(std::move(entry));
  }

  void read_array(std::vector<TomlValue>& values) {
    take();
    skip_blank();
    while (peek() != ']') {
      values.push_back(read_value());
      skip_blank();
      if (peek() != ']') {
        expect(',', "or ']' after a value of an array");
        skip_blank();
      }
    }
    take();
  }

  TomlValue read_value() {
    if (peek() == '"' || peek() == '\'') {
      return {read_text(), true};
    }
    TomlValue value;
    while (is_bare(peek()) || peek() == '.' || peek() == '+') {
      value.text += take();
    }
    if (value.text.empty()) {
      fail("wants a value: a \"text\", a number, true, false or an array of these");
    }
    const char first = value.text[0];
    const bool is_number = (first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.';
    if (!is_number && value.text != "true" && value.text != "false") {
      fail(fmt::format("'{}' is no value; a text stands in quotes", value.text));
    }
    return value;
  }

  std::string read_text() {
    const char quote = take();
    std::string text;
    while (!at_end() && peek() != quote) {
      if (peek() == '\n' || peek() == '\r') {
        fail("a text ends on its line");
      }
      const char c = take();
      text += c == '\\' && quote == '"' ? read_escape() : c;
    }
    expect(quote, "at the end of a text");
    return text;
  }

  char read_escape() {
    constexpr std::string_view kLetters = "\"\\ntr";
    constexpr std::string_view kMeanings = "\"\\\n\t\r";
    const size_t at = at_end() ? std::string_view::npos : kLetters.find(peek());
    if (at == std::string_view::npos) {
      fail(R"(wants \", \\, \n, \t or \r after a backslash; '...' takes backslashes as they are)");
    }
    take();
    return kMeanings[at];
  }

  std::string_view text_;
  std::string_view source_;
  size_t position_ = 0;
  int line_ = 1;
  std::string table_;
  std::set<std::string> tables_;
  std::set<std::pair<std::string, std::string>> keys_;
  std::vector<TomlEntry> entries_;
};

}  // namespace

std::vector<TomlEntry> parse_toml(std::string_view text, std::string_view source) {
  return Parser(text, source).parse();
}

std::string quote_toml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '"':
      case '\\':
        quoted += '\\';
        [[fallthrough]];
      default:
        quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace lv::train
