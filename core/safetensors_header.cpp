#include "core/safetensors_header.h"

#include <limits>
#include <set>

#include "core/utf8.h"

namespace lv::safetensors {

namespace {

constexpr std::pair<std::string_view, DType> kDTypes[] = {
    {"F32", DType::f32}, {"F64", DType::f64}, {"F16", DType::f16}, {"BF16", DType::bf16},
    {"I32", DType::i32}, {"I64", DType::i64}, {"U8", DType::u8},   {"BOOL", DType::boolean},
};

/// Reads the few forms of JSON that a header has. Nothing nests deeper than the format itself, so nothing recurses.
class Parser {
 public:
  Parser(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  Header parse() {
    if (peek() != '{') {
      fail_here("'{' as the first byte");
    }
    parse_object([&](std::string key) {
      if (key == kMetadataKey) {
        parse_metadata();
      } else {
        parse_entry(std::move(key));
      }
    });
    skip_space();
    if (at_ != text_.size()) {
      fail_here("nothing but spaces after the object");
    }
    return std::move(header_);
  }

 private:
  void parse_metadata() {
    parse_object([&](std::string key) { header_.metadata.emplace(std::move(key), parse_string()); });
  }

  void parse_entry(std::string name) {
    Entry entry;
    entry.name = std::move(name);
    int fields = 0;
    parse_object([&](const std::string& field) {
      parse_field(field, entry);
      ++fields;
    });
    // Known and different, so three fields are all three.
    LV_CHECK_AS(IoError, fields == 3, "{}: tensor \"{}\" has {} fields; wanted dtype, shape and data_offsets", source_,
                entry.name, fields);
    check_entry(entry);
    header_.entries.push_back(std::move(entry));
  }

  void parse_field(std::string_view field, Entry& entry) {
    if (field == "dtype") {
      const std::string dtype = parse_string();
      const auto* const known =
          std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& pair) { return pair.first == dtype; });
      LV_CHECK_AS(IoError, known != std::end(kDTypes),
                  "{}: tensor \"{}\" has dtype {}; wanted F32, F64, F16, BF16, I32, I64, U8 or BOOL: convert it",
                  source_, entry.name, dtype);
      entry.dtype = known->second;
    } else if (field == "shape") {
      parse_array([&] {
        LV_CHECK_AS(IoError, entry.shape.rank() < kMaxRank,
                    "{}: tensor \"{}\" has more than {} axes; reshape it before saving", source_, entry.name, kMaxRank);
        const uint64_t size = parse_size();
        LV_CHECK_AS(IoError, size <= uint64_t(std::numeric_limits<int64_t>::max()),
                    "{}: tensor \"{}\" has an axis of {} elements", source_, entry.name, size);
        entry.shape.push_back(int64_t(size));
      });
    } else if (field == "data_offsets") {
      expect('[');
      entry.begin = parse_size();
      expect(',');
      entry.end = parse_size();
      expect(']');
    } else {
      fail<IoError>("{}: tensor \"{}\" has a field \"{}\"; wanted dtype, shape and data_offsets", source_, entry.name,
                    field);
    }
  }

  void check_entry(const Entry& entry) const {
    LV_CHECK_AS(IoError, entry.begin <= entry.end,
                "{}: tensor \"{}\" has data_offsets [{}, {}], the end before the start", source_, entry.name,
                entry.begin, entry.end);
    // Tensors count bytes in int64_t, also while a size of 0 is still to come: the product of the others must fit.
    uint64_t bytes = uint64_t(size_bytes(entry.dtype));
    bool fits = true;
    bool is_empty = false;
    for (const int64_t size : entry.shape) {
      is_empty = is_empty || size == 0;
      fits = fits && !__builtin_mul_overflow(bytes, uint64_t(std::max<int64_t>(size, 1)), &bytes);
    }
    fits = fits && bytes <= uint64_t(std::numeric_limits<int64_t>::max());
    LV_CHECK_AS(IoError, fits, "{}: tensor \"{}\" has shape {}, more bytes than 63 bits can count", source_, entry.name,
                entry.shape);
    bytes = is_empty ? 0 : bytes;
    LV_CHECK_AS(IoError, bytes == entry.end - entry.begin,
                "{}: tensor \"{}\" is {} of shape {}, {} bytes, but its data_offsets [{}, {}] hold {}", source_,
                entry.name, entry.dtype, entry.shape, bytes, entry.begin, entry.end, entry.end - entry.begin);
  }

  /// Calls on_member(key) at each value of an object; keys must differ.
  template <class Fn>
  void parse_object(Fn&& on_member) {
    std::set<std::string> keys;
    expect('{');
    if (accept('}')) {
      return;
    }
    do {
      std::string key = parse_string();
      LV_CHECK_AS(IoError, keys.insert(key).second, "{}: the header names \"{}\" twice; rename one", source_, key);
      expect(':');
      on_member(std::move(key));
    } while (accept(','));
    expect('}');
  }

  /// Calls on_element() at each value of an array.
  template <class Fn>
  void parse_array(Fn&& on_element) {
    expect('[');
    if (accept(']')) {
      return;
    }
    do {
      on_element();
    } while (accept(','));
    expect(']');
  }

  std::string parse_string() {
    expect('"');
    const size_t begin = at_;
    std::string out;
    while (peek() != '"') {
      if (at_ == text_.size() || uint8_t(peek()) < 0x20) {
        fail_here("a string that ends and has no control characters");
      }
      if (peek() == '\\') {
        ++at_;
        parse_escape(out);
      } else {
        out.push_back(text_[at_++]);
      }
    }
    LV_CHECK_AS(IoError, is_utf8(out), "{}: header, byte {}: the string is not UTF-8", source_, begin);
    ++at_;
    return out;
  }

  void parse_escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = peek();
    if (const size_t known = kLetters.find(letter); at_ < text_.size() && known != std::string_view::npos) {
      ++at_;
      out.push_back(kMeanings[known]);
      return;
    }
    if (letter != 'u') {
      fail_here("an escape of JSON");
    }
    ++at_;
    unsigned code = parse_hex4();
    if (code >= 0xD800 && code < 0xDC00) {  // characters above 16 bits come in two halves
      if (text_.substr(at_, 2) != "\\u") {
        fail_here("the second half of a surrogate pair");
      }
      at_ += 2;
      const unsigned low = parse_hex4();
      // A wrong second half leaves a lone surrogate, which is not UTF-8.
      code = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : code;
    }
    append_utf8(out, code);
  }

  unsigned parse_hex4() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const bool is_digit = c >= '0' && c <= '9';
      const char lower = char(c | 0x20);
      if (!is_digit && !(lower >= 'a' && lower <= 'f')) {
        fail_here("four hexadecimal digits");
      }
      value = value * 16 + unsigned(is_digit ? c - '0' : lower - 'a' + 10);
      ++at_;
    }
    return value;
  }

  uint64_t parse_size() {
    skip_space();
    const size_t begin = at_;
    uint64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
          __builtin_add_overflow(value, uint64_t(peek() - '0'), &value)) {
        fail_here("a number below 2^64");
      }
    }
    if (at_ == begin || (at_ - begin > 1 && text_[begin] == '0')) {
      fail_here("a whole number, not negative, without leading zeros");
    }
    return value;
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  /// Takes `wanted`, after spaces, if it is next.
  bool accept(char wanted) {
    skip_space();
    const bool is_next = at_ < text_.size() && text_[at_] == wanted;
    at_ += is_next ? 1 : 0;
    return is_next;
  }
  void expect(char wanted) {
    if (!accept(wanted)) {
      fail_here(fmt::format("'{}'", wanted));
    }
  }
  [[noreturn]] void fail_here(std::string_view wanted) const {
    fail<IoError>("{}: header, byte {}: wanted {}; the file is damaged or not a safetensors file", source_, at_,
                  wanted);
  }

  std::string_view text_;
  std::string_view source_;
  size_t at_ = 0;
  Header header_;
};

void append_string(std::string& out, std::string_view value, std::string_view source) {
  LV_CHECK_AS(IoError, is_utf8(value), "{}: the name or value \"{}\" is not UTF-8; rename it", source, value);
  out.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (uint8_t(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", int(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string_view format_name(DType dtype) {
  return std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& pair) { return pair.second == dtype; })
      ->first;
}

}  // namespace

Header parse_header(std::string_view text, std::string_view source) { return Parser(text, source).parse(); }

std::string format_header(const Header& header, std::string_view source) {
  std::string out = "{";
  const auto begin_member = [&](std::string_view key) {
    if (out.back() != '{') {
      out.push_back(',');
    }
    append_string(out, key, source);
    out.push_back(':');
  };
  if (!header.metadata.empty()) {
    begin_member(kMetadataKey);
    out.push_back('{');
    for (const auto& [key, value] : header.metadata) {
      begin_member(key);
      append_string(out, value, source);
    }
    out.push_back('}');
  }
  for (const Entry& entry : header.entries) {
    begin_member(entry.name);
    fmt::format_to(std::back_inserter(out), R"({{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                   format_name(entry.dtype), fmt::join(entry.shape.begin(), entry.shape.end(), ","), entry.begin,
                   entry.end);
  }
  out.push_back('}');
  return out;
}

}  // namespace lv::safetensors
