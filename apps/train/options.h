#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "apps/train/usage_error.h"

namespace lv::train {

/// What an option's value may be.
struct OptionLimits {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  // any text when empty
};

/// The options of a program. Each is a variable with its default, bound to a long name. A value comes from the command
/// line (`--batch-size 64`), else from the environment (LV_BATCH_SIZE=64), else from the file of `--config FILE`
/// (`batch-size = 64` in the table of the option's group), else it stays the default.
class Options {
 public:
  using Target = std::variant<bool*, int64_t*, double*, std::string*, std::vector<double>*>;

  /// `example`: a command line for the end of --help.
  Options(std::string program, std::string summary, std::string example);

  /// Binds `--name` of `group` to a variable, which must outlive this object.
  void add(std::string group, std::string name, Target target, std::string help, OptionLimits limits = {});
  /// Takes arguments without a name into `values`. `name` stands for them in --help.
  void add_positional(std::string name, std::vector<std::string>& values, std::string help);

  /// Sets the variables. False when --help or --print-config asked for a text instead, which is then in `output`.
  /// Throws UsageError: an unknown name (with the nearest known one), a value of the wrong kind or out of its limits, a
  /// configuration that cannot be read.
  [[nodiscard]] bool parse(int argc, const char* const* argv, std::string& output);

  /// The values as a configuration file that gives them again.
  [[nodiscard]] std::string to_toml() const;

 private:
  struct Option {
    std::string group;
    std::string name;
    Target target;
    std::string help;
    OptionLimits limits;
  };
  struct Given;
  class CommandLine;

  [[nodiscard]] Option* find(std::string_view name);
  void read_config(const std::string& path, std::vector<Given>& given);
  static void assign(const Option& option, const Given& given);
  [[nodiscard]] static std::string value_text(const Option& option);

  std::string program_;
  std::string summary_;
  std::string example_;
  std::string config_path_;
  bool prints_config_ = false;
  std::vector<Option> options_;
  std::string positional_name_;
  std::string positional_help_;
  std::vector<std::string>* positional_ = nullptr;
};

/// The one of `known` that `name` is most likely a misspelling of, as "; did you mean 'X'?"; empty when none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace lv::train
