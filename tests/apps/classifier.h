#pragma once

#include <filesystem>

#include "tests/apps/program.h"

namespace lv::test {

using Arguments = std::vector<std::string>;

Arguments operator+(Arguments first, const Arguments& second);

/// train_classifier on Digit Scenes: `epochs` of six steps, with everything on that has a state.
Arguments tiny(const std::filesystem::path& run_dir, int epochs = 3);

/// A hash of the bits that a run ended with.
size_t last_bits(const std::filesystem::path& run_dir);

/// Runs train_classifier, which must succeed, and gives what it said.
std::string run_classifier(const Arguments& arguments);

/// Class folders with `count` pictures each.
void write_pictures(const std::filesystem::path& root, const std::vector<std::string>& classes, int count);

/// One line on stderr that begins with the program's name, and this exit code.
void check_refused(const ProgramResult& result, int exit_code, const std::string& text,
                   const std::string& program = "train_classifier");

}  // namespace lv::test
