// Files that nobody's torch.save wrote: each is refused by what is wrong with it, before anything is done for it.

#include <catch2/catch.hpp>
#include <cstring>

#include "apps/checkpoint/pickle.h"
#include "apps/checkpoint/torch_file.h"
#include "tests/checkpoint/archive.h"
#include "tests/checkpoint/pickle_code.h"

using namespace lv;
using namespace lv::test;
using Catch::Contains;

namespace {

/// The error that a checkpoint of this pickle gives; empty when it is accepted.
std::string error_of_archive(const std::string& archive) {
  try {
    checkpoint::parse_torch_file(bytes_of(archive), "file.pth");
    return "";
  } catch (const IoError& error) {
    CHECK_THAT(error.what(), Catch::StartsWith("file.pth: "));
    return error.what();
  }
}
std::string error_of(const std::string& pickle) { return error_of_archive(make_checkpoint(pickle)); }

const std::string kFloats = storage("FloatStorage", "0", 4);

/// `archive` with the number at `at` replaced.
template <class T>
std::string with_number(std::string archive, size_t at, T value) {
  std::memcpy(archive.data() + at, &value, sizeof value);
  return archive;
}

}  // namespace

TEST_CASE("the pickles that the hostile ones differ from are accepted") {
  CHECK(error_of(code(dict(text("a") + tensor(kFloats, 0, {2, 2}, {2, 1})))).empty());
  CHECK(error_of(code(dict(text("a") + tensor(kFloats, 1, {2}, {2})))).empty());
  CHECK(error_of(code(dict(text("a") + tensor(kFloats, 4, {0, 7}, {7, 1})))).empty());
}

TEST_CASE("a function or class that makes no tensor is refused by its name") {
  CHECK_THAT(error_of(code(global("os", "system") + text("touch /tmp/owned") + "\x85R")), Contains("\"os.system\""));
  CHECK_THAT(error_of(code(global("builtins", "eval") + text("1") + "\x85R")), Contains("\"builtins.eval\""));
  CHECK_THAT(error_of(code(text("posix") + text("system") + "\x93")), Contains("\"posix.system\""));
  CHECK_THAT(error_of(code(global("torch", "load"))), Contains("\"torch.load\""));
  CHECK_THAT(error_of(code(global("torch._utils", "_rebuild_tensor_v2.__globals__"))), Contains("__globals__"));
  CHECK_THAT(error_of(code(global("torch", "CharStorage"))), Contains("\"torch.CharStorage\""));
  CHECK_THAT(error_of(code(global("numpy.core.multiarray", "_reconstruct"))), Contains("numpy.core.multiarray"));
}

TEST_CASE("an opcode that plain data does not need is refused by its name") {
  const std::pair<std::string, std::string> refused[] = {
      {"S'a'\n", "STRING"}, {"I1\n", "INT"}, {"ios\nsystem\n", "INST"}, {"(o", "OBJ"},           {"\x82\x01", "EXT1"},
      {"Pid\n", "PERSID"},  {"2", "DUP"},    {"\x92", "NEWOBJ_EX"},     {"\x97", "NEXT_BUFFER"}, {"\x8f", "EMPTY_SET"},
      {"\xff", "unknown"},
  };
  for (const auto& [operations, name] : refused) {
    CHECK_THAT(error_of(code(operations)), Contains("(" + name + ") is refused"));
  }
}

TEST_CASE("a tensor that passes the end of its storage is refused, also where sizes overflow") {
  const auto error = [](const std::string& made) { return error_of(code(dict(text("bad") + made))); };
  const int64_t huge = int64_t{1} << 62;
  for (const std::string& made : {tensor(kFloats, 1, {2, 2}, {2, 1}), tensor(kFloats, 0, {3}, {2}),
                                  tensor(kFloats, 4, {}, {}), tensor(kFloats, huge, {2, 2}, {huge, huge}),
                                  tensor(kFloats, 0, {huge, huge}, {1, 1}), tensor(kFloats, 0, {2, huge}, {0, 2})}) {
    CHECK_THAT(error(made), Contains("\"bad\"") && Contains("passes the end"));
  }
  CHECK_THAT(error(tensor(kFloats, 0, {1 << 30}, {0})), Contains("\"bad\"") && Contains("repeats elements"));
  CHECK_THAT(error(tensor(kFloats, 0, {-1}, {1})), Contains("size or stride -1"));
  CHECK_THAT(error(tensor(kFloats, 0, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1})), Contains("more than 6"));
  CHECK_THAT(error(tensor(kFloats, 0, {2, 2}, {1})), Contains("2 sizes and 1 strides"));
  CHECK_THAT(error(tensor(kFloats, -1, {1}, {1})), Contains("passes the end"));
}

TEST_CASE("a storage that is not what the pickle says is refused") {
  const auto error = [](const std::string& from) {
    return error_of(code(dict(text("bad") + tensor(from, 0, {1}, {1}))));
  };
  CHECK_THAT(error(storage("FloatStorage", "0", 5)), Contains("16 bytes") && Contains("5 elements"));
  CHECK_THAT(error(storage("FloatStorage", "0", int64_t{1} << 62)), Contains("16 bytes"));
  CHECK_THAT(error(storage("FloatStorage", "0", -4)), Contains("-4 elements"));
  CHECK_THAT(error(storage("ByteStorage", "7", 1)), Contains("no a/data/7"));
  CHECK_THAT(error(storage("ByteStorage", "../data.pkl", 1)), Contains("no a/data/../data.pkl"));
  CHECK_THAT(error(storage("BoolStorage", "1", 3)), Contains("other than 0 and 1"));
  CHECK_THAT(error_of(code(dict(text("a") + tensor(kFloats, 0, {1}, {1}) + text("b") +
                                tensor(storage("IntStorage", "0", 4), 0, {1}, {1})))),
             Contains("4 of f32 and 4 of i32"));
}

TEST_CASE("a pickle that does not add up is refused") {
  for (const std::string operations :
       {"", "N", "(N", "}N.", "K\x01K\x02", "t", "u", "a", "Q", "\x85", "h\x07", "]N}u", "R", "}(K\x01u", "NNR",
        "X\xff\xff\xff\xff", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    INFO(operations);
    CHECK(!error_of("\x80\x02" + operations).empty());
  }
  CHECK_THAT(error_of("\x80\x09N."), Contains("protocol 9"));
  CHECK_THAT(error_of(code(text("\xc3"))), Contains("UTF-8"));
  CHECK_THAT(error_of(code(dict(text("a") + tensor(kFloats, 0, {1}, {1}) + text("a") + tensor(kFloats, 0, {1}, {1})))),
             Contains("\"a\""));
  CHECK_THAT(error_of(code(dict(numbers({1}) + "N"))), Contains("neither text nor a number"));
}

TEST_CASE("containers that hold themselves or multiply are refused") {
  CHECK_THAT(error_of(code("]q\x01h\x01\x61")), Contains("nested too deep"));
  std::string doubling = "]q\x01";
  for (char level = 2; level < 60; ++level) {  // each holds the one before twice
    const std::string before = std::string("h") + char(level - 1);
    doubling += "](" + before + before + "eq" + level;
  }
  CHECK_THAT(error_of(code("(" + doubling + "t")), Contains("nested too deep or too often"));
  CHECK_THAT(error_of(code(std::string(1000, ']') + std::string(999, 'a'))), Contains("nested too deep"));
}

TEST_CASE("a pickle above the limits is refused before it is read") {
  CHECK_THAT(error_of(std::string(checkpoint::pickle::kMaxBytes + 1, 'N')), Contains("bytes of pickle"));
  CHECK_THAT(error_of(code(std::string(checkpoint::pickle::kMaxValues + 1, 'N'))), Contains("more than"));
}

TEST_CASE("an archive that is not a checkpoint of torch.save is refused") {
  const std::string good = code("}");
  CHECK_THAT(error_of_archive(""), Contains("no directory"));
  CHECK_THAT(error_of_archive("PK"), Contains("no directory"));
  CHECK_THAT(error_of_archive(make_archive({})), Contains("without FOLDER/data.pkl"));
  CHECK_THAT(error_of_archive(make_archive({{"data.pkl", good}})), Contains("without FOLDER/data.pkl"));
  CHECK_THAT(error_of_archive(make_archive({{"a/data.pkl", good}, {"b/data.pkl", good}})), Contains("both"));
  CHECK_THAT(error_of_archive(make_archive({{"a/data.pkl", good}, {"a/byteorder", "big"}})), Contains("byte order"));
  CHECK_THAT(error_of_archive(make_archive({{"a/data.pkl", good}, {"a/data.pkl", good}})), Contains("two files"));
}

TEST_CASE("an archive that was cut off or changed is refused") {
  const std::string whole = make_checkpoint(code(dict(text("a") + tensor(kFloats, 0, {4}, {1}))));
  REQUIRE(error_of_archive(whole).empty());
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK(!error_of_archive(whole.substr(0, size)).empty());
  }
  // Bytes that are neither contents nor numbers that matter: version, flags, time, padding, attributes.
  size_t accepted = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = char(changed[at] ^ 0x41);
    accepted += error_of_archive(changed).empty() ? 1 : 0;
  }
  CHECK(accepted < whole.size() / 2);
}

TEST_CASE("each field of an archive's directory is checked") {
  const std::string whole = make_archive({{"a/data.pkl", code("}")}, {"a/data/0", "1234"}});
  const size_t directory = whole.find("PK\1\2");
  const size_t second = whole.find("PK\1\2", directory + 4);
  const size_t end = whole.find("PK\5\6");
  CHECK_THAT(error_of_archive(with_number(whole, directory + 8, uint16_t{1})), Contains("encrypted"));
  CHECK_THAT(error_of_archive(with_number(whole, directory + 10, uint16_t{8})),
             Contains("\"a/data.pkl\" is compressed (method 8)"));
  CHECK_THAT(error_of_archive(with_number(whole, directory + 16, uint32_t{7})), Contains("checksum"));
  CHECK_THAT(error_of_archive(with_number(whole, directory + 24, uint32_t{0x7FFFFFFF})), Contains("is stored in"));
  CHECK_THAT(error_of_archive(with_number(whole, directory + 42, uint32_t{1})), Contains("does not begin at byte 1"));
  CHECK_THAT(error_of_archive(with_number(whole, second + 42, uint32_t{0})), Contains("another file"));
  CHECK_THAT(error_of_archive(with_number(whole, end + 10, uint16_t{0xFFF0})), Contains("cannot list 65520 files"));
  CHECK_THAT(error_of_archive(with_number(whole, end + 12, uint32_t{0x7FFFFFFF})), Contains("must end before"));
  CHECK_THAT(error_of_archive(with_number(whole, end + 16, uint32_t{0})), Contains("not a list of files"));
  CHECK_THAT(error_of_archive(with_number(whole, end + 4, uint16_t{1})), Contains("several volumes"));
}

TEST_CASE("files of an archive that share bytes are refused") {
  // One file of 4 GiB can be listed a thousand times in a few KiB; here, the second one lies inside of the first.
  std::string inner = make_archive({{"a/data/0", "1234"}});
  inner.resize(inner.find("PK\1\2"));
  const std::string whole = make_archive({{"a/data.pkl", inner}, {"a/data/0", "1234"}});
  const size_t second = whole.find("PK\1\2", whole.find("PK\1\2") + 4);
  const size_t inside = whole.find("PK\3\4", 4);
  CHECK_THAT(error_of_archive(with_number(whole, second + 42, uint32_t(inside))), Contains("overlap"));
}
