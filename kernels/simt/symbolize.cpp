#include "kernels/simt/symbolize.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <sstream>

#include "core/error.h"

namespace lv::simt {
namespace {

/// Standard output of a program found in PATH; nothing when it does not run or fails.
std::optional<std::string> output_of(char* const arguments[]) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const bool started = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments, environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  std::array<char, 512> buffer;
  for (ssize_t n = 0; started && (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), size_t(n));
  }
  close(ends[0]);
  int status = 1;
  if (!started || waitpid(child, &status, 0) != child || status != 0) {
    return std::nullopt;
  }
  return text;
}

struct Symbol {
  std::string function;
  std::string line;
};

Symbol look_up(const void* address) {
  Dl_info module{};
  if (dladdr(address, &module) == 0 || module.dli_fname == nullptr) {
    const auto text = fmt::format("{}", address);
    return {text, text};
  }
  const auto offset = fmt::format("{:#x}", uintptr_t(address) - uintptr_t(module.dli_fbase));
  const auto fallback = fmt::format("{}+{}", module.dli_fname, offset);
  std::string path = module.dli_fname;
  std::string number = offset;
  std::string tool = "addr2line", flags = "-Cfe";
  char* const arguments[] = {tool.data(), flags.data(), path.data(), number.data(), nullptr};
  const auto text = output_of(arguments);
  Symbol symbol;
  std::istringstream lines(text.value_or(""));
  std::getline(lines, symbol.function);
  std::getline(lines, symbol.line);
  if (symbol.function.empty() || symbol.function == "??") {
    symbol.function = fallback;
  }
  if (symbol.line.empty() || symbol.line.starts_with("??")) {
    symbol.line = fallback;
  }
  return symbol;
}

/// Cuts the return type that demangled templates have, and the parameter list.
std::string without_signature(const std::string& text) {
  const bool has_return_type = text.starts_with("void ");
  const size_t begin = has_return_type ? 5 : 0;
  int depth = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    const bool anonymous = text.compare(i, 11, "(anonymous ") == 0;
    if (text[i] == '<') {
      ++depth;
    } else if (text[i] == '>') {
      --depth;
    } else if (anonymous) {
      i = text.find(')', i);
    } else if (text[i] == '(' && depth == 0) {
      return text.substr(begin, i - begin);
    }
  }
  return text.substr(begin);
}

}  // namespace

std::string function_name(const void* function) { return without_signature(look_up(function).function); }

// The call ends before its return address, which may belong to the next line.
std::string source_line(const void* return_address) {
  return look_up(static_cast<const char*>(return_address) - 1).line;
}

}  // namespace lv::simt
