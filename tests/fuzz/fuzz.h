#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// A fuzzed parser is a file NAME_fuzz.cpp with these two functions. tests/fuzz/CMakeLists.txt says how they are run.

/// Feeds one input to the parser; any end other than a return is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Inputs that the parser accepts, to start from.
std::vector<std::string> fuzz_seeds();
