#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "apps/train/console.h"
#include "apps/train/profiler.h"
#include "apps/train/program.h"
#include "apps/train/signals.h"
#include "apps/train/usage_error.h"
#include "core/op_hook.h"
#include "tests/core/scratch_folder.h"

using namespace lv;
using namespace lv::train;
using Catch::Contains;

TEST_CASE("the remaining time is exact at constant speed from the second update on") {
  RemainingTime remaining;
  CHECK_FALSE(remaining.estimate().has_value());
  for (int i = 1; i <= 10; ++i) {
    remaining.update(i / 100.0, i * 3.0);
    CHECK(*remaining.estimate() == Approx(300 - 3 * i));
  }
  remaining.update(0.1, 99);  // no progress: nothing is learnt from it
  CHECK(*remaining.estimate() == Approx(270));
}

TEST_CASE("the remaining time follows a change of speed") {
  RemainingTime remaining;
  double seconds = 0;
  for (int i = 1; i <= 50; ++i) {
    seconds += i <= 10 ? 10 : 1;
    remaining.update(i / 100.0, seconds);
  }
  CHECK(*remaining.estimate() == Approx(50).epsilon(0.2));
}

TEST_CASE("durations and bars as text") {
  CHECK(duration_text(0.4) == "0:00");
  CHECK(duration_text(65) == "1:05");
  CHECK(duration_text(3 * 3600 + 7 * 60 + 9.6) == "3:07:10");
  CHECK(bar_text("training", 0.5, "loss 1.0", 42, 100, false) ==
        "training [============>           ]  50 %  loss 1.0  0:42 left");
  CHECK(bar_text("training", 1, "", std::nullopt, 100, false) == "training [========================] 100 %");
  CHECK(bar_text("training", 0.5, "loss 1.0", 42, 20, false).size() == 19);
  CHECK_THAT(bar_text("training", 0.5, "", 42, 100, true), Contains("\033[36m") && Contains("\033[0m]"));
}

TEST_CASE("a log file has all lines, quiet or not") {
  const test::ScratchFolder folder;
  Console console(true);
  console.line("before");
  console.log_to(folder / "log.txt");
  console.line("one");
  console.detail("two");
  CHECK(test::read_file(folder / "log.txt") == "one\ntwo\n");
}

TEST_CASE("exit codes: the body's own, 2 for usage, 1 for failure") {
  CHECK(run_program("program", [] { return 7; }) == 7);
  CHECK(run_program("program", []() -> int { throw UsageError("wrong\n  option"); }) == 2);
  CHECK(run_program("program", []() -> int { throw IoError("no file"); }) == 1);
}

TEST_CASE("a signal asks for an end once, and the handlers come back") {
  {
    const StopSignals signals;
    CHECK_FALSE(StopSignals::requested());
    ::raise(SIGTERM);
    CHECK(StopSignals::requested());
    struct sigaction now{};
    ::sigaction(SIGTERM, nullptr, &now);
    CHECK(now.sa_handler == SIG_DFL);  // a second one ends the process
  }
  const StopSignals again;
  CHECK_FALSE(StopSignals::requested());
}

TEST_CASE("a profile has every op with its own time, as a Chrome trace and as a table") {
  const test::ScratchFolder folder;
  const auto spin = [](int ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < end) {}
  };
  Profiler profiler(Device::cpu());
  {
    const OpScope outer("outer");
    spin(2);
    for (int i = 0; i < 3; ++i) {
      const OpScope inner("inner", true);
      spin(4);
    }
  }
  const std::vector<TraceEvent> events = profiler.stop();
  { const OpScope after("after"); }
  REQUIRE(events.size() == 4);
  CHECK((events[0].op == "inner" && events[0].backward && events[3].op == "outer"));
  int64_t inner_ns = 0;
  for (int i = 0; i < 3; ++i) {
    inner_ns += events[size_t(i)].end_ns - events[size_t(i)].begin_ns;
    CHECK(events[size_t(i)].begin_ns >= events[3].begin_ns);
  }
  CHECK(events[3].inner_ns == inner_ns);

  save_trace(folder / "trace.json", events);
  const auto trace = nlohmann::json::parse(test::read_file(folder / "trace.json")).at("traceEvents");
  REQUIRE(trace.size() == 4);
  CHECK((trace[0].at("name") == "inner (backward)" && trace[0].at("ph") == "X" && trace[3].at("ts") == 0.0));
  CHECK(trace[3].at("dur").get<double>() == Approx(double(events[3].end_ns - events[3].begin_ns) / 1000));

  const std::string table = costliest_ops(events, 1);
  CHECK_THAT(table, Contains("inner (backward)") && Contains(" 3 ") && !Contains("outer"));
  CHECK_THAT(costliest_ops(events, 10), Contains("outer"));
}
