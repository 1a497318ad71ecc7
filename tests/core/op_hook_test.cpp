#include "core/op_hook.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>

using namespace lv;

namespace {

thread_local std::string trace;

void note(const char* mark, const OpEvent& event) {
  trace += mark;
  trace += event.op;
  trace += event.backward ? "' " : " ";
}

}  // namespace

TEST_CASE("hooks see the begin and the end of every op, inner ones within outer ones") {
  trace.clear();
  set_op_hook([](const OpEvent& event) noexcept { note("+", event); },
              [](const OpEvent& event) noexcept { note("-", event); });
  {
    const OpScope outer("linear");
    { const OpScope inner("matmul"); }
    { const OpScope inner("add", true); }
  }
  set_op_hook(nullptr, nullptr);
  { const OpScope unseen("relu"); }
  REQUIRE(trace == "+linear +matmul -matmul +add' -add' -linear ");
}

TEST_CASE("the current op is the innermost one of the calling thread") {
  REQUIRE(current_op().empty());
  const OpScope outer("linear");
  {
    const OpScope inner("matmul");
    REQUIRE(current_op() == "matmul");
    std::string elsewhere = "?";
    std::thread([&] { elsewhere = current_op(); }).join();
    REQUIRE(elsewhere.empty());
  }
  REQUIRE(current_op() == "linear");
}
