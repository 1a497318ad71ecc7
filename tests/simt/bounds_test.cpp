// Accesses beyond an array, which the address sanitizer ends the process for: each kernel runs in a process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tests/simt/planted_kernels.cuh"
#include "tests/simt/support.h"
#include "tests/skip.h"

namespace lv::test {
namespace {

using Catch::Matchers::Contains;

/// What `run` writes to standard error in a child process, and how the child ended.
template <class F>
std::string death_of(F&& run) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    run();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 1024> buffer;
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), size_t(n));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status == 0 ? "survived" : text;
}

constexpr bool kAddressSanitizer =
#if defined(__SANITIZE_ADDRESS__)
    true;
#else
    false;
#endif

}  // namespace

TEST_CASE("the address sanitizer sees accesses beyond shared, global and local arrays") {
  if (!kAddressSanitizer) {
    skip("built without the address sanitizer");
    return;
  }
  const auto in = wave(128, 0.37);
  const auto out = std::make_unique<float[]>(128);
  const auto short_out = std::make_unique<float[]>(100);
  CHECK_THAT(death_of([&] { simt::launch(shared_out_of_bounds, 1, 128, 0, kStream, out.get(), in.data()); }),
             Contains("use-after-poison") && Contains("WRITE of size 4") && Contains("shared_out_of_bounds"));
  CHECK_THAT(death_of([&] { simt::launch(global_out_of_bounds, 1, 128, 0, kStream, short_out.get(), in.data(), 100); }),
             Contains("heap-buffer-overflow") && Contains("global_out_of_bounds"));
  CHECK_THAT(death_of([&] { simt::launch(local_out_of_bounds, 1, 32, 0, kStream, out.get(), in.data(), 7); }),
             Contains("stack-buffer-overflow") || Contains("insufficient space"));
  CHECK(death_of([&] { simt::launch(global_out_of_bounds, 1, 128, 0, kStream, short_out.get(), in.data(), 99); }) ==
        "survived");
}

}  // namespace lv::test
