// Registers every generated check with Catch2 as a test case of its own: `test_specs "softmax: gradient"`.

#include <catch2/catch.hpp>
#include <memory>

#include "tests/skip.h"
#include "tests/specs/harness.h"

namespace {

class CheckInvoker final : public Catch::ITestInvoker {
 public:
  explicit CheckInvoker(lv::specs::Check check) : check_(std::move(check)) {}
  void invoke() const override {
    const lv::specs::Outcome outcome = check_.run();
    if (outcome.kind == lv::specs::Outcome::Kind::skipped) {
      lv::test::skip(outcome.text);
      return;
    }
    INFO(outcome.text);
    REQUIRE(outcome.kind == lv::specs::Outcome::Kind::passed);
  }

 private:
  lv::specs::Check check_;
};

/// Runs after the specs have registered themselves, which have an earlier initialisation priority (spec.h).
const bool checks_are_registered = [] {
  static std::vector<std::unique_ptr<Catch::AutoReg>> registrations;
  std::vector<lv::specs::Check> checks = lv::specs::all_checks();
  checks.push_back({"every registered op has a spec", lv::specs::check_every_op_has_a_spec});
  for (lv::specs::Check& check : checks) {
    const std::string name = check.name;
    registrations.push_back(std::make_unique<Catch::AutoReg>(new CheckInvoker(std::move(check)),
                                                             CATCH_INTERNAL_LINEINFO, Catch::StringRef(),
                                                             Catch::NameAndTags{name, "[spec]"}));
  }
  return true;
}();

}  // namespace
