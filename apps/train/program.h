#pragma once

#include <functional>
#include <string_view>

namespace lv::train {

/// Runs a program's body and gives its exit code: the body's own, 2 after a UsageError, 1 after any other error. The
/// error is one line on stderr that begins with the program's name.
int run_program(std::string_view name, const std::function<int()>& body);

}  // namespace lv::train
