#include "core/stateful.h"

#include <array>
#include <utility>

namespace lv {
namespace {

std::string_view kind(const StateValue& value) {
  constexpr std::array<std::string_view, 4> kKinds{"an integer", "a number", "a text", "a tensor"};
  static_assert(std::variant_size_v<StateValue> == kKinds.size());
  return kKinds[value.index()];
}

}  // namespace

void StateWriter::put(std::string_view name, StateValue value) const {
  const auto [place, added] = state_.emplace(prefix_ + std::string(name), std::move(value));
  LV_CHECK(added, "state: '{}' was written twice", place->first);
}

StateWriter StateWriter::scope(std::string_view name) const {
  return StateWriter(state_, fmt::format("{}{}.", prefix_, name));
}

StateReader StateReader::scope(std::string_view name) const {
  return StateReader(state_, fmt::format("{}{}.", prefix_, name));
}

const StateValue& StateReader::find(std::string_view name) const {
  const auto found = state_.find(prefix_ + std::string(name));
  LV_CHECK_AS(IoError, found != state_.end(), "state: '{}{}' is missing", prefix_, name);
  return found->second;
}

void StateReader::fail_kind(std::string_view name, const StateValue& got, const StateValue& wanted) const {
  fail<IoError>("state: '{}{}' is {}, wanted {}", prefix_, name, kind(got), kind(wanted));
}

}  // namespace lv
