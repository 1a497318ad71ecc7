// The pickle inside of an archive whose storages are fixed: what is mutated reaches the reader without a checksum.

#include <cstdlib>

#include "apps/checkpoint/torch_file.h"
#include "tests/checkpoint/archive.h"
#include "tests/checkpoint/pickle_code.h"
#include "tests/fuzz/fuzz.h"

using namespace lv;
using namespace lv::test;

namespace {

constexpr size_t kStorageBytes = 16 + 3;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string pickle(reinterpret_cast<const char*>(data), size);
  try {
    const std::string archive = make_checkpoint(pickle);
    for (const auto& [name, value] : checkpoint::parse_torch_file(bytes_of(archive), "fuzzed").tensors) {
      require(size_t(value.size_bytes()) <= kStorageBytes);
      require(value.contiguous().numel() == value.numel());  // reads every element
    }
  } catch (const IoError& error) {
    require(std::string_view(error.what()).starts_with("fuzzed: "));
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const std::string floats = storage("FloatStorage", "0", 4);
  return {code(dict(text("a") + tensor(floats, 1, {1, 2}, {1, 2}) + text("n") + number(7))),
          code(global("collections", "OrderedDict") + ")Rq\1(" + text("m.w") + tensor(floats, 0, {2, 2}, {1, 2}) +
               "u}" + text("_metadata") + "}sb"),
          code("](" + tensor(storage("ByteStorage", "1", 3), 0, {3}, {1}) + "q\2h\2NG?\xf8" + std::string(6, '\0') +
               "\x88" + numbers({1, 2}) + "e"),
          code(text("k") + "\x94" + text("torch") + text("HalfStorage") + "\x93\x85" + "0")};
}

std::vector<std::string_view> fuzz_tokens() {
  static const std::string kTensor = tensor(storage("FloatStorage", "0", 4), 0, {1, 1}, {1, 1});
  static const std::string kLarge = number(int64_t{1} << 62);
  return {"(",
          "t",
          "\x85",
          "\x86",
          "]",
          "}",
          ")",
          "R",
          "\x81",
          "b",
          "Q",
          "u",
          "e",
          "a",
          "s",
          "0",
          "q\1",
          "h\1",
          "h\2",
          "N",
          "K\1",
          "\x94",
          "\x93",
          "\x88",
          kTensor,
          kLarge,
          "collections\nOrderedDict\n",
          "ctorch\nLongStorage\n",
          "X\1\0\0\0k"};
}

/// The end of a pickle.
void fuzz_repair(std::string& input) {
  if (!input.ends_with('.')) {
    input += '.';
  }
}
