#include "apps/train/program.h"

#include <cstdio>
#include <exception>
#include <string>

#include "apps/train/usage_error.h"

namespace lv::train {

namespace {

void print_error(std::string_view name, std::string_view text) {
  constexpr size_t kLongest = 1000;
  std::string line;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == ' ';
    if (!is_space || (!line.empty() && line.back() != ' ')) {
      line += is_space ? ' ' : c;
    }
  }
  if (line.size() > kLongest) {
    line = line.substr(0, line.rfind(' ', kLongest)) + " ... (" + std::to_string(line.size()) + " characters)";
  }
  std::fprintf(stderr, "%.*s: %s\n", int(name.size()), name.data(), line.c_str());
}

}  // namespace

int run_program(std::string_view name, const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    print_error(name, error.what());
    return 2;
  } catch (const std::exception& error) {
    print_error(name, error.what());
    return 1;
  }
}

}  // namespace lv::train
