#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "core/tensor.h"

namespace lv {

using StateValue = std::variant<int64_t, double, std::string, Tensor>;

/// What a checkpoint holds beyond parameters: values by dotted name, for example "optimizer.step".
using State = std::map<std::string, StateValue>;

/// Puts values into a State under a prefix.
class StateWriter {
 public:
  explicit StateWriter(State& state, std::string prefix = {}) : state_(state), prefix_(std::move(prefix)) {}

  /// Adds one value; a tensor is shared, not copied. Throws Error when the name is taken.
  void put(std::string_view name, StateValue value) const;
  /// Writes under `name` and a dot.
  [[nodiscard]] StateWriter scope(std::string_view name) const;

 private:
  State& state_;
  std::string prefix_;
};

/// Gets values from a State under a prefix.
class StateReader {
 public:
  explicit StateReader(const State& state, std::string prefix = {}) : state_(state), prefix_(std::move(prefix)) {}

  /// The value `name`; T is int64_t, double, std::string or Tensor. Throws IoError when there is none or of another
  /// kind.
  template <class T>
  [[nodiscard]] const T& get(std::string_view name) const {
    const StateValue& value = find(name);
    const T* held = std::get_if<T>(&value);
    if (held == nullptr) {
      fail_kind(name, value, StateValue(T{}));
    }
    return *held;
  }
  [[nodiscard]] bool contains(std::string_view name) const { return state_.contains(prefix_ + std::string(name)); }
  [[nodiscard]] StateReader scope(std::string_view name) const;

 private:
  [[nodiscard]] const StateValue& find(std::string_view name) const;
  [[noreturn]] void fail_kind(std::string_view name, const StateValue& got, const StateValue& wanted) const;

  const State& state_;
  std::string prefix_;
};

/// Implemented by everything that a training run must restore besides parameters: queues, samplers, scalers, schedules,
/// generators. load must accept what save wrote and leave the object as it was when saved.
class Stateful {
 public:
  virtual ~Stateful() = default;
  virtual void save(const StateWriter& writer) const = 0;
  virtual void load(const StateReader& reader) = 0;

 protected:
  Stateful() = default;
  Stateful(const Stateful&) = default;
  Stateful& operator=(const Stateful&) = default;
};

}  // namespace lv
