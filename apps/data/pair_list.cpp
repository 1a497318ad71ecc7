#include "apps/data/pair_list.h"

#include <fstream>
#include <sstream>
#include <string>

#include "core/error.h"

namespace lv::data {

namespace fs = std::filesystem;

std::vector<std::pair<fs::path, fs::path>> read_pair_list(const fs::path& list) {
  std::ifstream stream(list, std::ios::binary);
  LV_CHECK_AS(IoError, stream.is_open() && !fs::is_directory(list), "{}: cannot open this list", list.string());
  std::vector<std::pair<fs::path, fs::path>> pairs;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    LV_CHECK_AS(IoError, line.find('\0') == std::string::npos, "{}, line {}: a zero byte in a list of files",
                list.string(), number);
    std::vector<std::string> columns;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      columns.push_back(word);
    }
    if (columns.empty()) {
      continue;
    }
    LV_CHECK_AS(IoError, columns.size() == 2, "{}, line {}: a picture and its annotation are needed, got {} columns",
                list.string(), number, columns.size());
    pairs.emplace_back(list.parent_path() / columns[0], list.parent_path() / columns[1]);
  }
  LV_CHECK_AS(IoError, !stream.bad(), "{}: cannot read this list", list.string());
  LV_CHECK_AS(IoError, !pairs.empty(), "{}: the list is empty", list.string());
  return pairs;
}

}  // namespace lv::data
