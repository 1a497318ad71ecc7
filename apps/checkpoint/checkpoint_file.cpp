#include "apps/checkpoint/checkpoint_file.h"

#include <algorithm>
#include <set>

#include "apps/checkpoint/torch_file.h"
#include "core/file.h"

namespace lv::checkpoint {

namespace {

/// A zip archive's first bytes, or those of torch's older form.
bool is_torch(std::span<const std::byte> bytes) {
  constexpr std::byte kZip[] = {std::byte{'P'}, std::byte{'K'}};
  return (bytes.size() >= 2 && std::equal(std::begin(kZip), std::end(kZip), bytes.begin())) ||
         (!bytes.empty() && bytes[0] == std::byte{0x80} && (bytes.size() < 8 || bytes[7] != std::byte{0}));
}

}  // namespace

SafetensorsFile load_checkpoint(const std::filesystem::path& path) {
  const MappedFile file(path);
  return is_torch(file.bytes()) ? parse_torch_file(file.bytes(), path.string())
                                : parse_safetensors(file.bytes(), path.string());
}

void save_checkpoint(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                     const SafetensorsMetadata& metadata) {
  const std::string extension = path.extension().string();
  if (extension == ".safetensors") {
    save_safetensors(path, tensors, metadata);
  } else {
    LV_CHECK_AS(IoError, extension == ".pth" || extension == ".pt",
                "{}: the name must end in .safetensors, .pth or .pt, which says what to write", path.string());
    save_torch_file(path, tensors);
  }
}

std::vector<NamedTensor> rename(std::span<const NamedTensor> tensors, std::string_view prefix, std::string_view strip) {
  std::vector<NamedTensor> result;
  std::set<std::string> names;
  for (const NamedTensor& entry : tensors) {
    if (!entry.name.starts_with(prefix)) {
      continue;
    }
    const std::string name = entry.name.substr(prefix.size());
    const std::string stripped = name.starts_with(strip) ? name.substr(strip.size()) : name;
    LV_CHECK(names.insert(stripped).second, "two entries would be named \"{}\"", stripped);
    result.push_back({stripped, entry.tensor});
  }
  LV_CHECK(!result.empty() || tensors.empty(), "no name begins with \"{}\"; the first is \"{}\"", prefix,
           tensors.front().name);
  return result;
}

}  // namespace lv::checkpoint
