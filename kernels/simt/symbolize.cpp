#include "kernels/simt/symbolize.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <sstream>
#include <vector>

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

/// A function, and the line where it is or calls the one inlined into it.
struct Frame {
  std::string function;
  std::string line;
};

/// The function that contains `address`, after those that are inlined there. At least one frame.
std::vector<Frame> frames_at(const void* address) {
  Dl_info module{};
  if (dladdr(address, &module) == 0 || module.dli_fname == nullptr) {
    const auto text = fmt::format("{}", address);
    return {{text, text}};
  }
  std::string path = module.dli_fname;
  std::string offset = fmt::format("{:#x}", uintptr_t(address) - uintptr_t(module.dli_fbase));
  const auto fallback = fmt::format("{}+{}", path, offset);
  std::string tool = "addr2line", flags = "-Cfie";
  char* const arguments[] = {tool.data(), flags.data(), path.data(), offset.data(), nullptr};
  std::istringstream lines(output_of(arguments).value_or(""));
  std::vector<Frame> frames;
  for (Frame frame; std::getline(lines, frame.function) && std::getline(lines, frame.line);) {
    frames.push_back(
        {frame.function == "??" ? fallback : frame.function,
         frame.line.starts_with("??") ? fallback : std::filesystem::path(frame.line).lexically_normal().string()});
  }
  if (frames.empty()) {
    frames.push_back({fallback, fallback});
  }
  return frames;
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

std::string function_name(const void* function) { return without_signature(frames_at(function).back().function); }

std::string source_line(const void* return_address) {
  // The call ends before its return address, which may belong to the next line.
  const auto frames = frames_at(static_cast<const char*>(return_address) - 1);
  const auto in_kernel = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.line.find("kernels/simt/emulated") == std::string::npos;
  });
  return in_kernel == frames.end() ? frames.front().line : in_kernel->line;
}

}  // namespace lv::simt
