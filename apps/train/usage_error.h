#pragma once

#include "core/error.h"

namespace lv::train {

/// What the user asked for cannot be: exit code 2.
struct UsageError : Error {
  using Error::Error;
};

}  // namespace lv::train
