#include "core/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace lv::safetensors {

namespace {

constexpr std::pair<std::string_view, DType> kDTypes[] = {
    {"F32", DType::f32}, {"F64", DType::f64}, {"F16", DType::f16}, {"BF16", DType::bf16},
    {"I32", DType::i32}, {"I64", DType::i64}, {"U8", DType::u8},   {"BOOL", DType::boolean},
};

using Json = nlohmann::json;

/// Takes the header's values as they are read, so that nothing is held that the format does not have.
class Reader final : public Json::json_sax_t {
 public:
  explicit Reader(std::string_view source) : source_(source) {}
  [[nodiscard]] Header take() { return std::move(header_); }

  bool start_object(size_t /*elements*/) override {
    if (place_ == Place::header) {
      place_ = key_ == kMetadataKey ? Place::metadata : Place::entry;
      entry_ = Entry();
      entry_.name = key_;
      inner_keys_.clear();
    } else {
      expect(Place::outside, "an object");
      place_ = Place::header;
    }
    return true;
  }
  bool key(std::string& key) override {
    auto& keys = place_ == Place::header ? keys_ : inner_keys_;
    LV_CHECK_AS(IoError, keys.insert(key).second, "{}: the header names \"{}\" twice; rename one", source_, key);
    LV_CHECK_AS(IoError, place_ != Place::entry || key == "dtype" || key == "shape" || key == "data_offsets",
                "{}: tensor \"{}\" has a field \"{}\"; wanted dtype, shape and data_offsets", source_, entry_.name,
                key);
    key_ = key;
    return true;
  }
  bool end_object() override {
    if (place_ == Place::entry) {
      // Known and different, so three fields are all three.
      LV_CHECK_AS(IoError, inner_keys_.size() == 3,
                  "{}: tensor \"{}\" has {} fields; wanted dtype, shape and data_offsets", source_, entry_.name,
                  inner_keys_.size());
      check_entry(entry_);
      header_.entries.push_back(std::move(entry_));
    }
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }
  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, std::move(value));
      return true;
    }
    expect_field("dtype", "a string");
    const auto* const known =
        std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& pair) { return pair.first == value; });
    LV_CHECK_AS(IoError, known != std::end(kDTypes),
                "{}: tensor \"{}\" has dtype {}; wanted F32, F64, F16, BF16, I32, I64, U8 or BOOL: convert it", source_,
                entry_.name, value);
    entry_.dtype = known->second;
    return true;
  }
  bool start_array(size_t /*elements*/) override {
    LV_CHECK_AS(IoError, place_ == Place::entry && key_ != "dtype", "{}: the header has an array at \"{}\"", source_,
                key_);
    place_ = key_ == "shape" ? Place::shape : Place::offsets;
    offsets_ = 0;
    return true;
  }
  bool number_unsigned(uint64_t value) override {
    if (place_ == Place::shape) {
      LV_CHECK_AS(IoError, entry_.shape.rank() < kMaxRank,
                  "{}: tensor \"{}\" has more than {} axes; reshape it before saving", source_, entry_.name, kMaxRank);
      LV_CHECK_AS(IoError, value <= uint64_t(std::numeric_limits<int64_t>::max()),
                  "{}: tensor \"{}\" has an axis of {} elements", source_, entry_.name, value);
      entry_.shape.push_back(int64_t(value));
      return true;
    }
    expect(Place::offsets, "a number");
    (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    return true;
  }
  bool end_array() override {
    LV_CHECK_AS(IoError, place_ == Place::shape || offsets_ == 2,
                "{}: tensor \"{}\" has {} data_offsets; wanted begin and end", source_, entry_.name, offsets_);
    place_ = Place::entry;
    return true;
  }
  bool null() override { fail_value("null"); }
  bool boolean(bool /*value*/) override { fail_value("a truth value"); }
  bool number_integer(int64_t /*value*/) override { fail_value("a negative number"); }
  bool number_float(double /*value*/, const std::string& text) override { fail_value(text); }
  bool binary(Json::binary_t& /*value*/) override { fail_value("bytes"); }
  bool parse_error(size_t byte, const std::string& /*token*/, const Json::exception& error) override {
    const std::string_view text = error.what();  // "[json.exception...] parse error ..."
    fail<IoError>("{}: header, byte {}: {}; the file is damaged or not a safetensors file", source_, byte,
                  text.substr(text.find("] ") + 2));
  }

 private:
  enum class Place : uint8_t { outside, header, metadata, entry, shape, offsets };

  void expect(Place place, std::string_view got) const {
    if (place_ != place) {
      fail_value(got);
    }
  }
  void expect_field(std::string_view field, std::string_view got) const {
    if (place_ != Place::entry || key_ != field) {
      fail_value(got);
    }
  }
  [[noreturn]] void fail_value(std::string_view got) const {
    fail<IoError>("{}: the header has {} at \"{}\", where a safetensors file has none", source_, got, key_);
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

  std::string_view source_;
  Place place_ = Place::outside;
  std::set<std::string> keys_, inner_keys_;  // of the header, and of the object in it
  std::string key_;                          // the last one
  Entry entry_;
  int offsets_ = 0;  // of the entry, so far
  Header header_;
};

std::string quoted(std::string_view value, std::string_view source) {
  try {
    return Json(value).dump();
  } catch (const Json::type_error&) {
    fail<IoError>("{}: the name or value \"{}\" is not UTF-8; rename it", source, value);
  }
}

std::string_view format_name(DType dtype) {
  return std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& pair) { return pair.second == dtype; })
      ->first;
}

}  // namespace

Header parse_header(std::string_view text, std::string_view source) {
  LV_CHECK_AS(IoError, text.starts_with('{'),
              "{}: header, byte 0: wanted '{{'; the file is damaged or not a safetensors file", source);
  Reader reader(source);
  Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

std::string format_header(const Header& header, std::string_view source) {
  std::vector<std::string> members;
  if (!header.metadata.empty()) {
    members.push_back(fmt::format("\"{}\":{{", kMetadataKey));
    for (const auto& [key, value] : header.metadata) {
      const char* separator = members[0].ends_with('{') ? "" : ",";
      members[0] += fmt::format("{}{}:{}", separator, quoted(key, source), quoted(value, source));
    }
    members[0] += '}';
  }
  for (const Entry& entry : header.entries) {
    members.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                                  quoted(entry.name, source), format_name(entry.dtype),
                                  fmt::join(entry.shape.begin(), entry.shape.end(), ","), entry.begin, entry.end));
  }
  return fmt::format("{{{}}}", fmt::join(members, ","));
}

}  // namespace lv::safetensors
