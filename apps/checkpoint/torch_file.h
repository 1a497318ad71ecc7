#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "core/safetensors.h"

// PyTorch's checkpoints: zip archives of a pickle and of the bytes to which it refers.

namespace lv::checkpoint {

/// Reads what torch.save wrote since version 1.6. Tensors come under the path that leads to them ("state_dict.fc.bias",
/// "optimizer.state.0.step"), in the file's order; those that share a storage or are views of one still do. Numbers and
/// text become metadata under their paths. dtypes: float32, float64, float16, bfloat16, int32, int64, uint8, bool.
/// Nothing is executed: of functions only those that make tensors are known, by name, and everything else is refused.
/// All sizes are checked before memory is taken. Throws IoError that names the file and what to do.
SafetensorsFile load_torch_file(const std::filesystem::path& path);

/// As load_torch_file, from memory; `source` stands for the file's name in errors.
SafetensorsFile parse_torch_file(std::span<const std::byte> bytes, std::string_view source);

/// Writes an ordered dictionary of `tensors` that torch.load(path, weights_only=True) reads. Names must be unique,
/// UTF-8; the archive stays below 4 GiB. The file appears complete or not at all. Throws IoError.
void save_torch_file(const std::filesystem::path& path, std::span<const NamedTensor> tensors);

}  // namespace lv::checkpoint
