#include "core/safetensors.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/core/scratch_folder.h"

using namespace lv;
using Catch::Contains;

namespace {

/// A file's bytes, put together by hand: length, header, data.
std::string file_of(std::string_view header, std::string_view data = {}) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += header;
  bytes += data;
  return bytes;
}

SafetensorsFile parse(std::string_view bytes) { return parse_safetensors(std::as_bytes(std::span(bytes)), "model.st"); }
SafetensorsFile parse(std::string_view header, std::string_view data) { return parse(file_of(header, data)); }

/// An entry of two f32 elements at the given offsets.
std::string entry(std::string_view name, int begin = 0, int end = 8) {
  return fmt::format(R"("{}":{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}})", name, begin, end);
}
std::string object(std::string_view members) { return fmt::format("{{{}}}", members); }

}  // namespace

TEST_CASE("safetensors: bytes put together by hand are read as the format says") {
  const std::string header = R"({"__metadata__":{"format":"pt"},"b":{"shape":[],"dtype":"I64","data_offsets":[8,16]},)"
                             R"( "a\u00e9\ud83d\ude00\n" : {"dtype":"F32","shape":[2, 1],"data_offsets":[0,8]}}   )";
  const float floats[] = {1.5F, -2.0F};
  const int64_t integer = -7;
  std::string data(reinterpret_cast<const char*>(floats), sizeof floats);
  data.append(reinterpret_cast<const char*>(&integer), sizeof integer);
  const SafetensorsFile file = parse(header, data);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].name == "b");
  CHECK(file.tensors[0].tensor.shape() == Shape{});
  CHECK(file.tensors[0].tensor.to_vector<int64_t>() == std::vector<int64_t>{-7});
  CHECK(file.tensors[1].name == "a\xC3\xA9\xF0\x9F\x98\x80\n");
  CHECK(file.tensors[1].tensor.shape() == Shape{2, 1});
  CHECK(file.at("a\xC3\xA9\xF0\x9F\x98\x80\n").to_vector<float>() == std::vector<float>{1.5F, -2.0F});
  CHECK(file.metadata == SafetensorsMetadata{{"format", "pt"}});
  CHECK(file.find("c") == nullptr);
  CHECK_THROWS_WITH(file.at("c"), Contains("model.st") && Contains("no tensor \"c\""));
  CHECK(parse("{}", "").tensors.empty());
}

TEST_CASE("safetensors: the writer gives the bytes that the format prescribes") {
  const test::ScratchFolder folder;
  const auto path = folder / "small.safetensors";
  save_safetensors(path, std::vector<NamedTensor>{{"u", Tensor::from<uint8_t>({9}, {1})},
                                                  {"w\"\x01", Tensor::from<float>({1.0F}, {1})}});
  std::string header =
      R"({"u":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"w\"\u0001":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize((8 + header.size() + 63) / 64 * 64 - 8, ' ');
  CHECK(test::read_file(path) == file_of(header, std::string("\0\0\x80\x3F\x09", 5)));
}

TEST_CASE("safetensors: what is saved is loaded again, for every dtype, rank and layout") {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  std::vector<NamedTensor> tensors;
  const Tensor values = Tensor::from<float>({0, 1, -2, 3.5F, 0, 1e-3F}, {2, 3});
  for (const DType dtype :
       {DType::boolean, DType::f32, DType::f16, DType::u8, DType::f64, DType::i32, DType::bf16, DType::i64}) {
    tensors.push_back(
        {fmt::format("layer.{}", dtype), (dtype == DType::u8 ? values.to(DType::boolean) : values).to(dtype)});
  }
  tensors.push_back({"scalar", Tensor::scalar(3)});
  tensors.push_back({"empty", Tensor::empty({3, 0, 2})});
  tensors.push_back({"", Tensor::empty({0})});
  tensors.push_back({"transposed", values.transpose(0, 1)});
  tensors.push_back({"rank6", Tensor::full({1, 2, 1, 3, 1, 1}, 5, DType::i32)});
  const SafetensorsMetadata metadata{{"a \"quoted\" key\\", "line\nline\tand \x7F \xC3\xA9"}, {"", ""}};
  save_safetensors(path, tensors, metadata);
  const SafetensorsFile loaded = load_safetensors(path);
  CHECK(loaded.source == path.string());
  CHECK(loaded.metadata == metadata);
  REQUIRE(loaded.tensors.size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor wanted = tensors[i].tensor.contiguous();
    const Tensor& got = loaded.tensors[i].tensor;
    CHECK(loaded.tensors[i].name == tensors[i].name);
    CHECK(got.dtype() == wanted.dtype());
    REQUIRE(got.shape() == wanted.shape());
    CHECK(std::memcmp(got.raw_data(), wanted.raw_data(), size_t(wanted.size_bytes())) == 0);
  }
  CHECK(folder.names() == std::vector<std::string>{"model.safetensors"});
}

TEST_CASE("safetensors: a file whose length or header is damaged is refused by name") {
  const auto [bytes, text] = GENERATE(table<std::string, std::string>({
      {"", "has 0 bytes"},
      {"1234567", "has 7 bytes"},
      {file_of("{}").substr(0, 9), "the header is said to have 2 bytes, the file has only 1"},
      {std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10), "more than the limit of 100000000"},
      {std::string("\x01\xE1\xF5\x05\0\0\0\0{}", 10), "100000001 bytes, more than the limit"},
      {file_of(""), "byte 0: wanted '{'"},
      {file_of(" {}"), "byte 0: wanted '{'"},
      {file_of("{} x"), "byte 4: "},
      {file_of("{"), "byte 2: "},
      {file_of(R"({"a")"), "byte 5: "},
      {file_of(R"({"a":{},})"), "has 0 fields"},
      {file_of(R"({"a":[1]})"), "an array at \"a\""},
      {file_of(R"({"a":)" + std::string(100'000, '{')), "byte 7: "},
      {file_of("{\"a\nb\":{}}"), "control character"},
      {file_of("{\"a"), "missing closing quote"},
      {file_of(R"({"\)"), "forbidden character after backslash"},
      {file_of(R"({"\x":{}})"), "forbidden character after backslash"},
      {file_of(R"({"\u12g4":{}})"), "must be followed by 4 hex digits"},
      {file_of(R"({"\ud800":{}})"), "surrogate"},
      {file_of(R"({"\ud800\u0041":{}})"), "surrogate"},
      {file_of(R"({"\udc00":{}})"), "surrogate"},
      {file_of("{\"\xC0\x80\":{}}"), "ill-formed UTF-8"},
      {file_of(R"({"__metadata__":{"a":1}})"), "has a number at \"a\""},
      {file_of(R"({"__metadata__":{"a":"1","a":"2"}})"), "\"a\" twice"},
      {file_of(R"({"__metadata__":{},"__metadata__":{}})"), "twice"},
  }));
  CAPTURE(bytes.substr(0, 80));
  CHECK_THROWS_AS(parse(bytes), IoError);
  CHECK_THROWS_WITH(parse(bytes), Contains("model.st: ") && Contains(text));
}

TEST_CASE("safetensors: an entry that contradicts itself is refused by name") {
  const auto [fields, text] = GENERATE(table<std::string, std::string>({
      {R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])", "dtype F8_E4M3; wanted F32, F64"},
      {R"("dtype":"F32","shape":[2])", "2 fields; wanted dtype, shape and data_offsets"},
      {R"("dtype":"F32","dtype":"F32","shape":[2])", "\"dtype\" twice"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1])", "field \"stride\""},
      {R"("dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8])", "more than 6 axes"},
      {R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", "f32 of shape [3], 12 bytes, but its data_offsets [0, 8]"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", "the end before the start"},
      {R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", "a negative number at \"shape\""},
      {R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", "has 2.0 at \"shape\""},
      {R"("dtype":"F32","shape":[02],"data_offsets":[0,8])", "header, byte "},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])", "has 3 data_offsets"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616])",
       "has 18446744073709551616 at \"data_offsets\""},
      {R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])", "an axis of 9223372036854775808"},
      {R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,8])", "more bytes than 63 bits"},
      {R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0])", "more bytes than 63 bits"},
      {R"("dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", "more bytes than 63 bits"},
      {R"("dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807])", "it was cut off"},
  }));
  CAPTURE(fields);
  const std::string header = object("\"layer.weight\":" + object(fields));
  CHECK_THROWS_AS(parse(header, "12345678"), IoError);
  CHECK_THROWS_WITH(parse(header, "12345678"), Contains("model.st: ") && Contains(text));
}

TEST_CASE("safetensors: tensors must cover the data once, without overlap, hole or rest") {
  const std::string two = std::string(16, '\0');
  CHECK(parse(object(entry("a", 8, 16) + "," + entry("b", 0, 8)), two).tensors.size() == 2);
  const auto [members, text] = GENERATE(table<std::string, std::string>({
      {entry("a", 0, 8) + "," + entry("a", 8, 16), "\"a\" twice"},
      {entry("a", 0, 8) + "," + entry("b", 0, 8), "overlap"},
      {entry("a", 0, 8) + "," + entry("b", 4, 12),
       "\"b\" begins at byte 4 of the data, the tensor before it ends at 8"},
      {entry("a", 8, 16), "begins at byte 8 of the data, the tensor before it ends at 0: they leave a hole"},
      {entry("a", 0, 8), "take 8 bytes, the file has 16 after its header; something else was appended"},
      {entry("a", 0, 8) + "," + entry("b", 8, 16) + "," + entry("c", 16, 24), "24 bytes, the file has 16"},
  }));
  CAPTURE(members);
  CHECK_THROWS_WITH(parse(object(members), two), Contains("model.st: ") && Contains(text));
}

TEST_CASE("safetensors: a truth value other than 0 and 1 is refused") {
  const std::string header = R"({"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})";
  CHECK(parse(header, std::string("\0\1\1", 3)).tensors.size() == 1);
  CHECK_THROWS_WITH(parse(header, std::string("\0\1\2", 3)), Contains("\"mask\" holds the byte 2"));
}

TEST_CASE("safetensors: every file cut short, and every file with one byte changed, is read or refused") {
  const std::string whole = file_of(
      object(R"("__metadata__":{"k\u0041":"v"},)" + entry("a", 0, 8) + "," + entry("b", 8, 16)), std::string(16, '\1'));
  REQUIRE(parse(whole).tensors.size() == 2);
  for (size_t length = 0; length < whole.size(); ++length) {
    CHECK_THROWS_AS(parse(whole.substr(0, length)), IoError);
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '"', '\\', '{', '}', ']', ',', '9', ' ', '\x80', '\xFF'}) {
      std::string changed = whole;
      changed[at] = byte;
      std::string refusal;
      try {
        (void)parse(changed);
      } catch (const IoError& error) {
        refusal = error.what();
      }
      CHECK((refusal.empty() || refusal.starts_with("model.st: ")));
    }
  }
}

TEST_CASE("safetensors: tensors that cannot be written are refused before the file is touched") {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  const Tensor x = Tensor::scalar(1);
  const auto save = [&](std::vector<NamedTensor> tensors) { save_safetensors(path, tensors); };
  CHECK_THROWS_WITH(save({{"a", x}, {"a", x}}), Contains(path.string()) && Contains("two tensors are named \"a\""));
  CHECK_THROWS_WITH(save({{"a", {}}}), Contains("\"a\" is undefined"));
  CHECK_THROWS_WITH(save({{"__metadata__", x}}), Contains("reserved"));
  CHECK_THROWS_WITH(save({{"\xFF", x}}), Contains("not UTF-8"));
  CHECK_THROWS_WITH(save_safetensors(folder / "none" / "model", {}), Contains("temporary file"));
  CHECK_THROWS_WITH(load_safetensors(path), Contains(path.string()) && Contains("cannot open"));
  CHECK_THROWS_WITH(load_safetensors(folder.path()), Contains("not a regular file"));
  CHECK(folder.names().empty());
}
