#pragma once

#include <string>

#include "core/device.h"

namespace lv::train {

/// Where and with what a run was made, a fact a line: build, revision, compiler, host, processor, instruction set,
/// threads, device, start.
std::string environment_text(Device device);

}  // namespace lv::train
