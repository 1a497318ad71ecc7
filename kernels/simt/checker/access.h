#pragma once

#include <cstdint>

#include "kernels/simt/checker/traffic.h"

namespace lv::simt {

/// Checks an access by the running lane, if there is one. `pc` is the address that the instrumented call returns to.
void check_access(const void* p, int64_t bytes, AccessKind kind, const void* pc);

}  // namespace lv::simt
