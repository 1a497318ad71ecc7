#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// The bytes of TensorBoard's event files: records framed as in TFRecord files, each an Event message in the protocol
// buffers' wire format.

namespace lv::train {

/// CRC-32C (Castagnoli) of `bytes`.
uint32_t crc32c(std::string_view bytes);

/// `message` between its length, the length's checksum and its own: both masked (rotated and offset) CRC-32C.
std::string frame_record(std::string_view message);

/// The first event of a file.
std::string version_event(double wall_time);
/// Tells readers to forget events of earlier files from `step` on: a run was resumed there.
std::string restart_event(double wall_time, int64_t step);
std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value);
/// `png`: the encoded picture of width x height, RGB.
std::string image_event(double wall_time, int64_t step, std::string_view tag, int width, int height,
                        std::string_view png);

}  // namespace lv::train
