#include "core/debug_allocator.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>

#include "core/caching_allocator.h"
#include "core/cuda/driver.h"
#include "core/op_hook.h"

using namespace lv;
using Catch::Matchers::Contains;

namespace {

class PlainMemory final : public RawAllocator {
 public:
  PlainMemory(bool host, int64_t limit) : host_(host), left_(limit) {}
  void* allocate(int64_t bytes) override {
    if (bytes > left_) {
      return nullptr;
    }
    left_ -= bytes;
    void* p = host_ ? std::aligned_alloc(64, size_t(bytes)) : cuda::malloc(bytes);
    sizes_[p] = bytes;
    return p;
  }
  void free(void* p) noexcept override {
    left_ += sizes_.at(p);
    sizes_.erase(p);
    host_ ? std::free(p) : cuda::free(p);
  }
  std::unique_ptr<Fence> fence(Stream) override { return nullptr; }

 private:
  bool host_;
  int64_t left_;
  std::map<void*, int64_t> sizes_;
};

/// Writes where the address sanitizer would rightly object.
__attribute__((noinline, no_sanitize("address"))) void poke(std::byte* p, std::byte value) {
  *static_cast<volatile std::byte*>(p) = value;
}

/// A debug allocator over host or device memory.
struct Fixture {
  bool host;
  DebugAllocator memory;
  Stream stream;

  explicit Fixture(bool host_memory, int64_t limit = int64_t{1} << 40)
      : host(host_memory),
        memory(std::make_unique<CachingAllocator>(std::make_unique<PlainMemory>(host_memory, limit),
                                                  CachingAllocator::Options{.name = "plain", .granule = 64}),
               host_memory),
        stream(host_memory ? Stream{} : current_stream(Device::cuda())) {}

  std::byte* get(int64_t bytes, std::string_view op = "conv2d") {
    const OpScope scope(op);
    return static_cast<std::byte*>(memory.allocate(bytes, stream));
  }
  void write(std::byte* p, int value) const {
    if (host) {
      poke(p, std::byte(value));
    } else {
      cuda::memset_async(p, value, 1, stream);
    }
  }
  [[nodiscard]] std::vector<float> read(const std::byte* p, int64_t count) const {
    std::vector<float> values(static_cast<size_t>(count));
    if (host) {
      std::copy_n(reinterpret_cast<const float*>(p), count, values.begin());
    } else {
      cuda::memcpy_async(values.data(), p, count * 4, stream);
      synchronize(stream);
    }
    return values;
  }
};

std::vector<bool> kinds() {
  return cuda::device_count() > 0 ? std::vector<bool>{true, false} : std::vector<bool>{true};
}

/// What a child process that runs `fn` and dies of it writes to its standard error.
std::string last_words(const std::function<void()>& fn) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    fn();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[512];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, size_t(n));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return text;
}

}  // namespace

TEST_CASE("fresh debug memory reads as NaN, aligned to 64 bytes") {
  for (const bool host : kinds()) {
    Fixture f(host);
    for (const int64_t count : {1, 3, 64, 1000}) {
      auto* p = f.get(4 * count);
      REQUIRE(reinterpret_cast<uintptr_t>(p) % 64 == 0);
      for (const float value : f.read(p, count)) {
        REQUIRE(std::isnan(value));
      }
      f.memory.release(p);
    }
  }
}

TEST_CASE("writes beside an allocation are found, with op, side and offset") {
  for (const bool host : kinds()) {
    Fixture f(host);
    for (const int64_t bytes : {0, 1, 100, 256, 1000}) {
      auto* p = f.get(bytes);
      REQUIRE(f.memory.damage(p).empty());
      f.write(p - 4, 1);
      REQUIRE(f.memory.damage(p) ==
              fmt::format("memory allocated by conv2d: something wrote before its {} bytes, at offset -4", bytes));
      f.write(p - 4, 0xFD);
      f.write(p + bytes, 1);
      const auto behind =
          fmt::format("memory allocated by conv2d: something wrote behind its {} bytes, at offset {}", bytes, bytes);
      REQUIRE(f.memory.damage(p) == behind);
      REQUIRE_THROWS_WITH(f.memory.check_all(), behind);
      f.write(p + bytes, 0xFD);
      f.memory.release(p);
    }
  }
}

TEST_CASE("the release of damaged memory ends the program with the op's name") {
  Fixture f(true);
  auto* p = f.get(100, "softmax");
  const auto text = last_words([&] {
    poke(p + 103, std::byte(0));
    f.memory.release(p);
  });
  REQUIRE_THAT(text, Contains("memory allocated by softmax: something wrote behind its 100 bytes, at offset 103"));
}

TEST_CASE("a second release of the same memory ends the program") {
  Fixture f(true);
  auto* p = f.get(100);
  f.memory.release(p);
  REQUIRE_THAT(last_words([&] { f.memory.release(p); }), Contains("release of") && Contains("not a live allocation"));
}

TEST_CASE("writes after release are found, at the latest when the memory returns") {
  for (const bool host : kinds()) {
    Fixture f(host);
    auto* p = f.get(100, "gelu");
    f.memory.release(p);
    f.memory.check_all();
    f.write(p + 8, 0);
    const auto text = "memory allocated by gelu: something wrote after the release of its 100 bytes, at offset 8";
    REQUIRE_THROWS_WITH(f.memory.check_all(), text);
    REQUIRE_THROWS_WITH(f.memory.trim(), text);
    f.memory.trim();
  }
}

TEST_CASE("released debug memory is poisoned and stays out of use for a while") {
  for (const bool host : kinds()) {
    Fixture f(host);
    auto* p = f.get(400);
    f.write(p, 0);
    f.memory.release(p);
    REQUIRE(f.get(400) != p);
#if !defined(__SANITIZE_ADDRESS__)
    REQUIRE(std::isnan(f.read(p, 1)[0]));
#endif
    f.memory.trim();
    REQUIRE(f.get(400) == p);
  }
}

TEST_CASE("memory kept out of use is given up when there is no other") {
  Fixture f(true, 20 << 20);
  auto* p = f.get(15 << 20);
  f.memory.release(p);
  REQUIRE(f.get(15 << 20) != nullptr);
  REQUIRE_THROWS_AS(f.get(15 << 20), OutOfMemoryError);
}

TEST_CASE("debug statistics count the bytes asked for") {
  Fixture f(true);
  auto* p = f.get(100);
  f.memory.release(f.get(50));
  REQUIRE(f.memory.stats().allocated_bytes == 100);
  REQUIRE(f.memory.stats().peak_allocated_bytes == 150);
  f.memory.release(p);
  f.memory.reset_peak();
  REQUIRE(f.memory.stats().allocated_bytes == 0);
  REQUIRE(f.memory.stats().peak_allocated_bytes == 0);
  REQUIRE(f.memory.stats().allocation_count == 2);
}
