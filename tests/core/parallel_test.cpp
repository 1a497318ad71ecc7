#include "core/parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/error.h"

using namespace lv;
using Catch::Matchers::Contains;

namespace {

/// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(int n) : previous_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(previous_); }

 private:
  int previous_;
};

}  // namespace

TEST_CASE("parallel_for visits every element once, in chunks that depend on the problem only") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads scope(threads);
    for (const int64_t n : {0, 1, 7, 8, 9, 63, 64, 65, 1000}) {
      for (const int64_t grain : {1, 8, 64, 5000}) {
        std::vector<std::atomic<int>> visits(size_t(std::max<int64_t>(n, 1)));
        std::mutex mutex;
        std::set<std::pair<int64_t, int64_t>> chunks;
        parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            ++visits[size_t(i)];
          }
          const std::lock_guard lock(mutex);
          chunks.emplace(begin, end);
        });
        std::set<std::pair<int64_t, int64_t>> expected;
        for (int64_t begin = 0; begin < n; begin += grain) {
          expected.emplace(begin, std::min(n, begin + grain));
        }
        REQUIRE(chunks == expected);
        REQUIRE(chunk_count(n, grain) == int64_t(expected.size()));
        for (int64_t i = 0; i < n; ++i) {
          REQUIRE(visits[size_t(i)] == 1);
        }
      }
    }
  }
}

TEST_CASE("parallel_for reaches the end of the 64-bit range without overflow") {
  const int64_t n = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> last_end{0};
  parallel_for(n, n / 2, [&](int64_t, int64_t end) {
    int64_t seen = last_end;
    while (seen < end && !last_end.compare_exchange_weak(seen, end)) {}
  });
  REQUIRE(last_end == n);
}

TEST_CASE("parallel_for runs chunks on several threads at the same time") {
  const Threads scope(2);
  std::atomic<int> arrived{0};
  parallel_for(2, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 2) {  // ends only when both chunks run at once
      std::this_thread::yield();
    }
  });
  REQUIRE(arrived == 2);
}

TEST_CASE("each thread of a parallel_for begins with a part of its own") {
  const Threads scope(2);
  const auto caller = std::this_thread::get_id();
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int64_t> first_of_caller{-1};
    std::atomic<int64_t> first_of_worker{-1};
    parallel_for(8, 1, [&](int64_t chunk, int64_t) {
      std::atomic<int64_t>& first = std::this_thread::get_id() == caller ? first_of_caller : first_of_worker;
      int64_t none = -1;
      first.compare_exchange_strong(none, chunk);
      while (first_of_caller < 0 || first_of_worker < 0) {
        std::this_thread::yield();
      }
    });
    REQUIRE(first_of_caller == 0);
    REQUIRE(first_of_worker == 4);
  }
}

TEST_CASE("the other threads of a parallel_for take what a held-up thread has left") {
  const Threads scope(2);
  std::atomic<int> done{0};
  parallel_for(8, 1, [&](int64_t chunk, int64_t) {
    while (chunk == 0 && done < 7) {
      std::this_thread::yield();
    }
    ++done;
  });
  REQUIRE(done == 8);
}

TEST_CASE("parallel_reduce gives the same bits for 1, 2 and 3 threads") {
  const auto sum = [] {
    return parallel_reduce<float>(
        100'003, 97, 0.0F,
        [](int64_t begin, int64_t end) {
          float part = 0;
          for (int64_t i = begin; i < end; ++i) {
            part += std::sin(float(i)) * 1e3F;
          }
          return part;
        },
        std::plus<>());
  };
  const Threads one(1);
  const float expected = sum();
  for (const int threads : {2, 3}) {
    const Threads scope(threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      REQUIRE(sum() == expected);
    }
  }
}

TEST_CASE("parallel_reduce combines chunks from left to right") {
  const Threads scope(3);
  const auto letters = parallel_reduce<std::string>(
      26, 4, "empty",
      [](int64_t begin, int64_t end) {
        std::string text;
        for (int64_t i = begin; i < end; ++i) {
          text += char('a' + i);
        }
        return text;
      },
      [](const std::string& a, const std::string& b) { return a + "|" + b; });
  REQUIRE(letters == "abcd|efgh|ijkl|mnop|qrst|uvwx|yz");
  const auto none =
      parallel_reduce<std::string>(0, 4, "empty", [](int64_t, int64_t) { return "never"; }, std::plus<>());
  REQUIRE(none == "empty");
  REQUIRE(parallel_reduce<bool>(9, 2, false, [](int64_t begin, int64_t) { return begin == 8; }, std::logical_or<>()));
}

TEST_CASE("a nested parallel_for runs inline on the thread of its chunk") {
  const Threads scope(3);
  std::atomic<int> elsewhere{0};
  std::atomic<int> visits{0};
  parallel_for(6, 1, [&](int64_t, int64_t) {
    const auto thread = std::this_thread::get_id();
    parallel_for(50, 10, [&](int64_t begin, int64_t end) {
      elsewhere += std::this_thread::get_id() != thread;
      visits += int(end - begin);
    });
  });
  REQUIRE(visits == 300);
  REQUIRE(elsewhere == 0);
}

TEST_CASE("parallel_for rethrows the exception of the lowest failing chunk and works afterwards") {
  for (const int threads : {1, 2, 3}) {
    const Threads scope(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto failing = [&] {
        parallel_for(64, 1, [&](int64_t begin, int64_t) {
          if (begin % 10 == 7) {
            throw std::runtime_error("chunk " + std::to_string(begin));
          }
        });
      };
      REQUIRE_THROWS_WITH(failing(), "chunk 7");
    }
    REQUIRE(parallel_reduce<int64_t>(100, 1, 0, [](int64_t b, int64_t) { return b; }, std::plus<>()) == 4950);
  }
}

TEST_CASE("a lower chunk that fails later replaces the exception of a higher one") {
  const Threads scope(2);
  std::atomic<bool> higher_started{false};
  std::atomic<int> lower_ran{0};
  const auto failing = [&] {
    parallel_for(2, 1, [&](int64_t begin, int64_t) {
      if (begin == 1) {
        higher_started = true;
        throw std::runtime_error("higher");
      }
      while (!higher_started) {
        std::this_thread::yield();
      }
      ++lower_ran;
      throw std::runtime_error("lower");
    });
  };
  for (int repeat = 0; repeat < 50; ++repeat) {
    higher_started = false;
    REQUIRE_THROWS_WITH(failing(), "lower");
  }
  REQUIRE(lower_ran == 50);
}

TEST_CASE("parallel_for returns only when the chunks of other threads are done") {
  const Threads scope(2);
  const auto caller = std::this_thread::get_id();
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> started{0};
    std::atomic<bool> caller_finished{false};
    std::atomic<bool> done{false};
    parallel_for(2, 1, [&](int64_t, int64_t) {
      ++started;
      while (started < 2) {
        std::this_thread::yield();
      }
      if (std::this_thread::get_id() == caller) {
        caller_finished = true;
        return;
      }
      while (!caller_finished) {
        std::this_thread::yield();
      }
      for (int i = 0; i < 2000; ++i) {  // ample time for the caller to return too early
        std::this_thread::yield();
      }
      done = true;
    });
    REQUIRE(done);
  }
}

TEST_CASE("an exception of a nested parallel_for leaves through the outer one") {
  const Threads scope(2);
  const auto failing = [] {
    parallel_for(4, 1, [](int64_t outer, int64_t) {
      parallel_for(4, 1, [&](int64_t inner, int64_t) {
        if (outer == 1 && inner == 2) {
          throw std::runtime_error("inner");
        }
      });
    });
  };
  REQUIRE_THROWS_WITH(failing(), "inner");
}

TEST_CASE("several threads may use the pool at once") {
  const Threads scope(3);
  std::atomic<int> wrong{0};
  const auto work = [&] {
    for (int repeat = 0; repeat < 300; ++repeat) {
      const auto sum = parallel_reduce<int64_t>(64, 4, 0, [](int64_t b, int64_t e) { return e - b; }, std::plus<>());
      wrong += sum != 64;
    }
  };
  {
    const std::jthread a(work);
    const std::jthread b(work);
    work();
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("many short jobs in a row all complete, with the threads changing between them") {
  std::atomic<int64_t> total{0};
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Threads scope(1 + repeat % 4);
    for (int job = 0; job < 20; ++job) {
      parallel_for(3, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
    }
  }
  REQUIRE(total == 200 * 20 * 3);
}

TEST_CASE("set_num_threads refuses what cannot work") {
  REQUIRE_THROWS_WITH(set_num_threads(0), Contains("at least 1") && Contains("got 0"));
  const Threads scope(2);
  REQUIRE_THROWS_WITH(parallel_for(2, 1, [](int64_t, int64_t) { set_num_threads(3); }),
                      Contains("inside a parallel_for"));
  REQUIRE(num_threads() == 2);
}
