#include "core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <set>

#include "core/file.h"
#include "core/safetensors_header.h"

namespace lv {

static_assert(std::endian::native == std::endian::little, "tensors are copied from the file as they are");

namespace {

using safetensors::Entry;
using safetensors::Header;

constexpr size_t kLengthBytes = 8;
constexpr size_t kDataAlignment = 64;

/// The JSON text; its length has been checked against the file and the limit.
std::string_view header_text(std::span<const std::byte> bytes, std::string_view source) {
  LV_CHECK_AS(IoError, bytes.size() >= kLengthBytes,
              "{}: has {} bytes, fewer than the 8 of the header's length; it is not a safetensors file or was cut off",
              source, bytes.size());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  LV_CHECK_AS(IoError, length <= safetensors::kMaxHeaderBytes,
              "{}: the header is said to have {} bytes, more than the limit of {}; it is not a safetensors file",
              source, length, safetensors::kMaxHeaderBytes);
  LV_CHECK_AS(IoError, length <= bytes.size() - kLengthBytes,
              "{}: the header is said to have {} bytes, the file has only {} after its length; it was cut off, copy it "
              "again",
              source, length, bytes.size() - kLengthBytes);
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, size_t(length)};
}

/// That the tensors cover the data from its first byte to its last, each byte once.
void check_coverage(const std::vector<Entry>& entries, uint64_t data_bytes, std::string_view source) {
  std::vector<const Entry*> by_offset;
  for (const Entry& entry : entries) {
    by_offset.push_back(&entry);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  uint64_t covered = 0;
  for (const Entry* entry : by_offset) {
    LV_CHECK_AS(IoError, entry->begin == covered,
                "{}: tensor \"{}\" begins at byte {} of the data, the tensor before it ends at {}: they {}; write the "
                "file again",
                source, entry->name, entry->begin, covered, entry->begin < covered ? "overlap" : "leave a hole");
    covered = entry->end;
  }
  LV_CHECK_AS(IoError, covered == data_bytes, "{}: the tensors take {} bytes, the file has {} after its header; {}",
              source, covered, data_bytes,
              covered > data_bytes ? "it was cut off, copy it again" : "something else was appended to it");
}

Tensor copy_tensor(const Entry& entry, std::span<const std::byte> data, std::string_view source) {
  const std::span<const std::byte> bytes = data.subspan(size_t(entry.begin), size_t(entry.end - entry.begin));
  if (entry.dtype == DType::boolean) {
    const auto bad = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
    LV_CHECK_AS(IoError, bad == bytes.end(), "{}: BOOL tensor \"{}\" holds the byte {}; wanted 0 or 1", source,
                entry.name, int(*bad));
  }
  const Tensor tensor = Tensor::empty(entry.shape, entry.dtype);
  if (!bytes.empty()) {
    std::memcpy(tensor.raw_data(), bytes.data(), bytes.size());
  }
  return tensor;
}

/// Entries in the order of `tensors`, offsets by descending element size.
Header plan_header(std::span<const NamedTensor> tensors, const SafetensorsMetadata& metadata,
                   std::span<const size_t> order, std::string_view source) {
  Header header{.entries = std::vector<Entry>(tensors.size()), .metadata = metadata};
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const size_t i : order) {
    const auto& [name, tensor] = tensors[i];
    LV_CHECK_AS(IoError, tensor.defined(), "{}: tensor \"{}\" is undefined; leave it out", source, name);
    LV_CHECK_AS(IoError, name != safetensors::kMetadataKey, "{}: \"{}\" is reserved; choose another name", source,
                name);
    LV_CHECK_AS(IoError, names.insert(name).second, "{}: two tensors are named \"{}\"; rename one", source, name);
    header.entries[i] = {name, tensor.dtype(), tensor.shape(), offset, offset + uint64_t(tensor.size_bytes())};
    offset = header.entries[i].end;
  }
  return header;
}

}  // namespace

const Tensor* SafetensorsFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &it->tensor;
}

const Tensor& SafetensorsFile::at(std::string_view name) const {
  const Tensor* const tensor = find(name);
  LV_CHECK_AS(IoError, tensor != nullptr, "{}: has no tensor \"{}\" among its {}", source, name, tensors.size());
  return *tensor;
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::string_view source) {
  const std::string_view text = header_text(bytes, source);
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  Header header = safetensors::parse_header(text, source);
  check_coverage(header.entries, data.size(), source);
  SafetensorsFile file{.source = std::string(source), .tensors = {}, .metadata = std::move(header.metadata)};
  file.tensors.reserve(header.entries.size());
  for (Entry& entry : header.entries) {
    Tensor tensor = copy_tensor(entry, data, source);
    file.tensors.push_back({std::move(entry.name), std::move(tensor)});
  }
  return file;
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_safetensors(file.bytes(), path.string());
}

void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const SafetensorsMetadata& metadata) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto element_bytes = [&](size_t i) {
    return tensors[i].tensor.defined() ? size_bytes(tensors[i].tensor.dtype()) : 0;
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return element_bytes(a) > element_bytes(b); });

  std::string text = safetensors::format_header(plan_header(tensors, metadata, order, path.string()), path.string());
  text.append((kDataAlignment - (kLengthBytes + text.size()) % kDataAlignment) % kDataAlignment, ' ');
  LV_CHECK_AS(IoError, text.size() <= safetensors::kMaxHeaderBytes,
              "{}: the header would have {} bytes, more than the limit of {}; use fewer or shorter names",
              path.string(), text.size(), safetensors::kMaxHeaderBytes);

  AtomicFile file(path);
  const uint64_t length = text.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const size_t i : order) {
    const Tensor host = tensors[i].tensor.to(Device::cpu()).contiguous();
    file.write({static_cast<const std::byte*>(host.raw_data()), size_t(host.size_bytes())});
  }
  file.commit();
}

}  // namespace lv
