// MNIST's and CIFAR's files. The first byte of an input says which reader gets the rest.

#include <cstdlib>
#include <functional>
#include <numeric>

#include "apps/data/cifar.h"
#include "apps/data/idx.h"
#include "core/error.h"
#include "core/file.h"
#include "tests/fixture.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory_file.h"

using namespace lv;
using namespace lv::data;
using namespace std::literals;

namespace {

constexpr size_t kCifarRecord[] = {3073, 3074};
enum Reader : uint8_t { kLabels, kPictures, kCifar10, kCifar100, kReaders };

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void read_idx(std::span<const uint8_t> bytes, int rank) {
  constexpr size_t kMaxDeflateRatio = 1032;
  const IdxArray array = parse_idx(std::as_bytes(bytes), rank, "fuzzed");
  require(array.shape.size() == size_t(rank));
  const int64_t count = std::accumulate(array.shape.begin(), array.shape.end(), int64_t{1}, std::multiplies<>());
  require(count > 0 && size_t(count) == array.bytes.size() && array.bytes.size() <= bytes.size() * kMaxDeflateRatio);
}

void read_cifar(std::span<const uint8_t> bytes, CifarKind kind, const std::string& path) {
  const Cifar set(kind, {path});
  require(size_t(set.size()) * kCifarRecord[kind == CifarKind::cifar100] == bytes.size());
  for (const int64_t index : {int64_t{0}, set.size() - 1}) {
    const Example example = set.example(index);
    require(example.label >= 0 && example.label < int64_t(set.class_names().size()));
    require(std::get<Image>(example.picture).pixels.size() == 3072);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const test::MemoryFile file;
  if (size == 0) {
    return 0;
  }
  const std::span rest(data + 1, size - 1);
  const auto reader = Reader(data[0] % kReaders);
  try {
    if (reader == kLabels || reader == kPictures) {
      read_idx(rest, reader == kLabels ? 1 : 3);
    } else {
      file.write(rest.data(), rest.size());
      read_cifar(rest, reader == kCifar10 ? CifarKind::cifar10 : CifarKind::cifar100, file.path());
    }
  } catch (const IoError& error) {
    const std::string_view text = error.what();
    require(text.starts_with("fuzzed: ") || text.starts_with(file.path() + ": "));
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const auto prefixed = [](Reader reader, std::string_view bytes) { return char(reader) + std::string(bytes); };
  const MappedFile compressed(test::fixture("bad_inputs/binary_sets/ok-images-idx3-ubyte.gz"));
  const std::string_view gzip(reinterpret_cast<const char*>(compressed.bytes().data()), compressed.bytes().size());
  return {prefixed(kLabels, "\0\0\x08\1\0\0\0\3\1\2\3"sv),
          prefixed(kPictures, "\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abcd"sv), prefixed(kPictures, gzip),
          prefixed(kCifar10, std::string(kCifarRecord[0] * 2, '\3')),
          prefixed(kCifar100, std::string(kCifarRecord[1], '\5'))};
}

std::vector<std::string_view> fuzz_tokens() {
  return {"\0\0\x08\1"sv, "\0\0\x08\3"sv,     "\0\0\0\1"sv, "\xFF\xFF\xFF\xFF"sv,
          "\0\0\0\0"sv,   "\x1F\x8B\x08\0"sv, "\2"sv,       "\3"sv};
}

/// Whole records of CIFAR.
void fuzz_repair(std::string& input) {
  if (!input.empty() && uint8_t(input[0]) % kReaders >= kCifar10) {
    const size_t record = kCifarRecord[uint8_t(input[0]) % kReaders == kCifar100];
    input.resize(1 + (input.size() - 1 + record / 2) / record * record);
  }
}
