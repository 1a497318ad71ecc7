#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lv::test {

struct ProgramResult {
  int exit_code = 0;  // minus the signal that ended it
  std::string out;
  std::string err;
};

struct ProgramSetting {
  std::map<std::string, std::string> environment = {};
  int64_t max_file_bytes = 0;  // a longer file cannot be written; 0: any
  /// Gets each line of the output as it comes; once it returns a signal other than 0, the program is sent it.
  std::function<int(const std::string& line)> on_line = {};
};

/// Runs a program of this project to its end.
ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                          const ProgramSetting& setting = {});

}  // namespace lv::test
