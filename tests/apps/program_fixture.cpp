#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tests/apps/program.h"
#include "tests/core/scratch_folder.h"

namespace lv::test {

namespace {

/// Becomes the program; does not return.
[[noreturn]] void become(const std::string& path, const std::vector<std::string>& arguments,
                         const ProgramSetting& setting, int out, int err) {
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : setting.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (setting.max_file_bytes > 0) {
    ::signal(SIGXFSZ, SIG_IGN);  // writing then fails, as on a full disk
    const rlimit limit{rlim_t(setting.max_file_bytes), rlim_t(setting.max_file_bytes)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv{const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  ::_exit(127);
}

}  // namespace

ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                          const ProgramSetting& setting) {
  const std::string path = std::string(LV_PROGRAMS) + "/" + name;
  const ScratchFolder folder;
  const std::string err_path = (folder / "err").string();
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  const int err = ::open(err_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t child = ::fork();
  if (child == 0) {
    become(path, arguments, setting, pipe_ends[1], err);
  }
  ::close(pipe_ends[1]);
  ::close(err);
  ProgramResult result;
  size_t line_begin = 0;
  bool is_signalled = false;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    result.out.append(buffer, size_t(count));
    for (size_t end = 0; (end = result.out.find('\n', line_begin)) != std::string::npos; line_begin = end + 1) {
      if (setting.on_line && !is_signalled) {
        if (const int signal = setting.on_line(result.out.substr(line_begin, end - line_begin)); signal != 0) {
          ::kill(child, signal);
          is_signalled = true;
        }
      }
    }
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  result.err = read_file(err_path);
  if (result.exit_code == 127) {
    throw std::runtime_error("cannot run " + path);
  }
  return result;
}

}  // namespace lv::test
