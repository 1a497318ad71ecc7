#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A fuzzed parser is a file NAME_fuzz.cpp with these functions. tests/fuzz/CMakeLists.txt says how they are run.

/// Feeds one input to the parser; any end other than a return is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Inputs that the parser accepts, to start from.
std::vector<std::string> fuzz_seeds();

/// Pieces of which its inputs are made: whole ones go further than single bytes.
std::vector<std::string_view> fuzz_tokens();

/// Makes a changed input pass the checks that would keep most of them from being read at all (a stated length); half of
/// the inputs go through it.
void fuzz_repair(std::string& input);
