#pragma once

#include <string>

namespace lv::simt {

/// Name of the function that starts at `function`, demangled and without its parameters. Asks addr2line; where that
/// finds nothing, the result is the address within its binary.
std::string function_name(const void* function);

/// "file:line" of the call that returns to `return_address`, outside the emulator's own inline functions; the same
/// fallback.
std::string source_line(const void* return_address);

}  // namespace lv::simt
