#pragma once

#include <filesystem>
#include <utility>
#include <vector>

namespace lv::data {

/// Reads a list of pairs of files, "PICTURE ANNOTATION" a line, relative to the list's folder. Blank lines, blanks at
/// the end of a line and both kinds of line ends are taken. Throws IoError that names the list, and the line that does
/// not have two columns or holds a zero byte; a list without pairs is refused, too.
[[nodiscard]] std::vector<std::pair<std::filesystem::path, std::filesystem::path>> read_pair_list(
    const std::filesystem::path& list);

}  // namespace lv::data
