#include "core/file.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <functional>

#include "core/error.h"
#include "core/safetensors.h"
#include "tests/core/scratch_folder.h"
#include "tests/skip.h"

using namespace lv;
using Catch::Contains;

namespace {

constexpr int64_t kElements = 1 << 20;

std::vector<NamedTensor> model(float value) { return {{"weight", Tensor::full({kElements}, value)}}; }

/// The value that all elements of a saved model have; fails when they differ.
float value_of(const std::filesystem::path& path) {
  const auto values = load_safetensors(path).at("weight").to_vector<float>();
  REQUIRE(values.size() == size_t(kElements));
  REQUIRE(std::all_of(values.begin(), values.end(), [&](float value) { return value == values[0]; }));
  return values[0];
}

/// Runs `body` in another process, which ends after it; returns that process.
pid_t spawn(const std::function<void()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      body();
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  return child;
}

int status_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

/// Gives this process, and nobody else, a disk of `mebibytes` at `folder`. False where the system does not allow it.
bool mount_disk(const std::filesystem::path& folder, int mebibytes) {
  const auto user = ::getuid();
  const auto group = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";  // or else the groups may not be mapped
  std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", user);
  std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", group);
  return ::mount("none", folder.c_str(), "tmpfs", 0, fmt::format("size={}m", mebibytes).c_str()) == 0;
}

/// 17 when saving another model at `path` fails with a text that names the step and the reason, else 18.
int failing_save(const std::filesystem::path& path, std::string_view reason) {
  try {
    save_safetensors(path, model(2));
  } catch (const IoError& error) {
    const std::string_view text = error.what();
    const bool says_all = text.find(path.string()) == 0 && text.find("cannot write") != text.npos &&
                          text.find(reason) != text.npos && text.find("left as it was") != text.npos;
    return says_all ? 17 : 18;
  }
  return 18;
}

/// No file of this process may grow beyond `bytes`: what a full disk does, and a signal besides.
void limit_file_size(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

TEST_CASE("a full disk leaves the old file whole and no trace of the new one") {
  const test::ScratchFolder folder;
  const int status = status_of(spawn([&] {
    if (!mount_disk(folder.path(), 6)) {
      ::_exit(19);
    }
    const auto path = folder / "model.safetensors";
    save_safetensors(path, model(1));
    const std::string old = test::read_file(path);
    const int result = failing_save(path, "No space left on device");
    const bool is_whole = test::read_file(path) == old && folder.names().size() == 1;
    ::_exit(is_whole ? result : 20);
  }));
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 19) {
    test::skip("a process may not mount a disk of its own here");
    return;
  }
  CHECK(WEXITSTATUS(status) == 17);
}

TEST_CASE("a file that may not grow further leaves the old one whole and no trace of itself") {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  save_safetensors(path, model(1));
  const std::string old = test::read_file(path);
  const int status = status_of(spawn([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // the write then fails instead
    limit_file_size(1 << 20);
    ::_exit(failing_save(path, "File too large"));
  }));
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 17);
  CHECK(test::read_file(path) == old);
  CHECK(folder.names() == std::vector<std::string>{"model.safetensors"});
}

TEST_CASE("a process that dies in the middle of a write leaves the old file whole") {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  save_safetensors(path, model(1));
  const int status = status_of(spawn([&] {
    std::signal(SIGXFSZ, SIG_DFL);  // the write past the limit kills the process
    limit_file_size(1 << 20);
    save_safetensors(path, model(2));
  }));
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGXFSZ);
  CHECK(folder.names().size() == 2);  // the dead writer's half
  CHECK(value_of(path) == 1);
  save_safetensors(path, model(3));
  CHECK(value_of(path) == 3);
}

TEST_CASE("a process killed at any moment of its saves leaves a whole file") {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  for (int round = 0; round < 5; ++round) {
    save_safetensors(path, model(0));
    const pid_t child = spawn([&] {
      for (float value = 1;; ++value) {
        save_safetensors(path, model(value));
      }
    });
    // Killed at another point of the saves each round: after so many looks that found one under way.
    for (int seen = 0; seen <= 40 * round;) {
      seen += folder.names().size() > 1 ? 1 : 0;
      ::sched_yield();
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(WIFSIGNALED(status_of(child)));
    CHECK(value_of(path) >= 0);
    for (const std::string& name : folder.names()) {
      if (name != "model.safetensors") {
        std::filesystem::remove(folder / name);  // the half that the dead process left
      }
    }
  }
}

TEST_CASE("a file that is not committed does not appear") {
  const test::ScratchFolder folder;
  {
    AtomicFile file(folder / "a");
    file.write("half");
    CHECK(folder.names().size() == 1);
    CHECK(!std::filesystem::exists(folder / "a"));
  }
  CHECK(folder.names().empty());
  AtomicFile file(folder / "a");
  file.write("the ");
  file.write("whole");
  file.commit();
  CHECK(test::read_file(folder / "a") == "the whole");
}

TEST_CASE("a file that cannot take its name says so and goes away") {
  const test::ScratchFolder folder;
  std::filesystem::create_directory(folder / "taken");
  {
    AtomicFile file(folder / "taken");
    file.write("x");
    CHECK_THROWS_WITH(file.commit(), Contains("taken: cannot rename") && Contains("Is a directory"));
  }
  CHECK(folder.names() == std::vector<std::string>{"taken"});
}

TEST_CASE("an empty file maps to no bytes, a missing one is named") {
  const test::ScratchFolder folder;
  AtomicFile(folder / "empty").commit();
  CHECK(MappedFile(folder / "empty").bytes().empty());
  CHECK_THROWS_WITH(MappedFile(folder / "none"), Contains("none: cannot open: No such file"));
}
