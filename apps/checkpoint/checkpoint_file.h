#pragma once

#include "core/safetensors.h"

namespace lv::checkpoint {

/// Reads a safetensors file or what torch.save wrote (torch_file.h), whichever its first bytes show. Throws IoError.
SafetensorsFile load_checkpoint(const std::filesystem::path& path);

/// Writes a file that torch.load reads where the name ends in ".pth" or ".pt", which has no place for metadata, and
/// safetensors where it ends in ".safetensors". Throws IoError, also for other names.
void save_checkpoint(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                     const SafetensorsMetadata& metadata);

/// The entries below `prefix` only, without it, where it is not empty; of others `strip` is removed where they begin
/// with it. Throws Error when nothing is below `prefix` or two names become one.
std::vector<NamedTensor> rename(std::span<const NamedTensor> tensors, std::string_view prefix, std::string_view strip);

}  // namespace lv::checkpoint
