#include "apps/train/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>

#include "apps/train/toml.h"

namespace lv::train {

/// A value and where it came from.
struct Options::Given {
  std::string origin;  // "--lr", "LV_LR", "base.toml:7: optim.lr"
  const Option* option = nullptr;
  std::vector<TomlValue> values;
  bool is_typed = false;  // quotes tell texts from numbers
  bool is_array = false;
};

namespace {

std::string environment_name(std::string_view option) {
  std::string name = "LV_";
  for (const char c : option) {
    name += c == '-' ? '_' : char(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + size_t(a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

template <class T>
std::optional<T> parse_number(std::string text) {
  std::erase(text, '_');
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  T value{};
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

template <class T>
std::optional<T> parse_value(const std::string& text) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text;
  } else if constexpr (std::is_same_v<T, bool>) {
    const bool is_true = text == "true" || text == "1";
    return is_true || text == "false" || text == "0" ? std::optional(is_true) : std::nullopt;
  } else {
    return parse_number<T>(text);
  }
}

template <class T>
std::string_view kind_of() {
  return std::is_same_v<T, bool>      ? "true or false"
         : std::is_same_v<T, int64_t> ? "an integer"
         : std::is_same_v<T, double>  ? "a number"
                                      : "a text in quotes";
}

/// `value` as a T within the limits; `origin` stands for it in messages.
template <class T>
T convert_value(const TomlValue& value, bool is_typed, const OptionLimits& limits, const std::string& origin) {
  const bool may_be = !is_typed || value.is_text == std::is_same_v<T, std::string>;
  const std::optional<T> result = parse_value<T>(value.text);
  LV_CHECK_AS(UsageError, may_be && result.has_value(), "{}: wants {}, got '{}'", origin, kind_of<T>(), value.text);
  if constexpr (std::is_same_v<T, std::string>) {
    const auto& choices = limits.choices;
    LV_CHECK_AS(UsageError, choices.empty() || std::find(choices.begin(), choices.end(), *result) != choices.end(),
                "{}: wants one of {}, got '{}'{}", origin, fmt::join(choices, ", "), *result,
                suggestion(*result, choices));
  } else if constexpr (!std::is_same_v<T, bool>) {
    const auto number = double(*result);
    LV_CHECK_AS(UsageError, std::isfinite(number) && number >= limits.min, "{}: wants at least {}, got {}", origin,
                limits.min, value.text);
    LV_CHECK_AS(UsageError, number <= limits.max, "{}: wants at most {}, got {}", origin, limits.max, value.text);
  }
  return *result;
}

std::string type_text(const Options::Target& target, const OptionLimits& limits) {
  if (!limits.choices.empty()) {
    return fmt::format("{}", fmt::join(limits.choices, "|"));
  }
  constexpr const char* kNames[] = {"", "N", "X", "TEXT", "X,X,.."};
  return kNames[target.index()];
}

std::vector<TomlValue> split_commas(const std::string& text) {
  std::vector<TomlValue> values;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    values.push_back({text.substr(begin, end - begin), false});
    begin = end + 1;
  }
  return values;
}

}  // namespace

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  std::string result;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      result = fmt::format("; did you mean '{}'?", candidate);
    }
  }
  return result;
}

Options::Options(std::string program, std::string summary, std::string example)
    : program_(std::move(program)), summary_(std::move(summary)), example_(std::move(example)) {}

void Options::add(std::string group, std::string name, Target target, std::string help, OptionLimits limits) {
  options_.push_back({std::move(group), std::move(name), target, std::move(help), std::move(limits)});
}

void Options::add_positional(std::string name, std::vector<std::string>& values, std::string help) {
  positional_name_ = std::move(name);
  positional_help_ = std::move(help);
  positional_ = &values;
}

Options::Option* Options::find(std::string_view name) {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

namespace {

/// Defaults behind the descriptions.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string value = option->get_default_str();
    return option->get_description() + (value.empty() ? "" : " [" + value + "]");
  }
};

}  // namespace

/// CLI11's parser, filled with the options. It only splits the line and prints the help; values are converted here,
/// like those of the other origins.
class Options::CommandLine {
 public:
  explicit CommandLine(Options& options) : app_(options.summary_, options.program_), owner_(options) {
    app_.option_defaults()->always_capture_default(false);
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.get_formatter()->column_width(36);
    app_.set_help_flag("--help", "this text");
    app_.allow_extras();
    app_.footer("A value comes from the command line, else from the environment (" + environment_name("batch-size") +
                "=64), else from the\nconfiguration, else it is the default shown.\n\nExample:\n  " + options.example_);
    for (const Option& option : options.options_) {
      add(option);
    }
    config_ = take_text("--config", "a TOML file with values: a table for each group", "FILE");
    app_.add_flag("--print-config", options.prints_config_, "prints all values as a TOML file, and ends");
    if (options.positional_ != nullptr) {
      app_.add_option(options.positional_name_, *options.positional_, options.positional_help_)->type_name("");
    }
  }

  /// False when help was printed to `output`.
  bool parse(int argc, const char* const* argv, std::string& output) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      output = app_.help();
      return false;
    } catch (const CLI::ParseError& error) {
      throw UsageError(error.what());
    }
    for (const std::string& extra : app_.remaining()) {
      fail_unknown(extra);
    }
    return true;
  }

  /// The value of the i-th option on the line, or none.
  [[nodiscard]] std::optional<std::string> value(size_t i) const { return value_of(bound_[i]); }
  [[nodiscard]] std::optional<std::string> config() const { return value_of(config_); }

 private:
  static std::optional<std::string> value_of(const CLI::Option* option) {
    return option->count() == 0 ? std::nullopt : std::optional(option->results().back());
  }

  CLI::Option* take_text(const std::string& name, const std::string& help, const std::string& type) {
    const auto accept = [](const CLI::results_t&) { return true; };
    return app_.add_option(name, accept, help)->type_name(type)->expected(1);
  }

  void add(const Option& option) {
    const std::string name = "--" + option.name;
    const bool is_flag = std::holds_alternative<bool*>(option.target);
    CLI::Option* const bound = is_flag ? app_.add_flag(name, option.help)
                                       : take_text(name, option.help, type_text(option.target, option.limits));
    if (!is_flag) {
      bound->default_str(value_text(option));
    }
    bound->group(option.group);
    bound_.push_back(bound);
  }

  [[noreturn]] void fail_unknown(const std::string& argument) const {
    if (!argument.starts_with('-')) {
      fail<UsageError>("unexpected argument '{}'", argument);
    }
    std::vector<std::string> known{"--config", "--print-config", "--help"};
    for (const Option& option : owner_.options_) {
      known.push_back("--" + option.name);
    }
    const std::string name = argument.substr(0, argument.find('='));
    fail<UsageError>("unknown option '{}'{}", name, suggestion(name, known));
  }

  CLI::App app_;
  Options& owner_;
  std::vector<CLI::Option*> bound_;
  CLI::Option* config_ = nullptr;
};

bool Options::parse(int argc, const char* const* argv, std::string& output) {
  CommandLine line(*this);
  if (!line.parse(argc, argv, output)) {
    return false;
  }
  // From the weakest origin to the strongest.
  std::vector<Given> given;
  const char* const config_from_environment = std::getenv("LV_CONFIG");
  config_path_ = line.config().value_or(config_from_environment == nullptr ? "" : config_from_environment);
  if (!config_path_.empty()) {
    read_config(config_path_, given);
  }
  const auto give = [&](const Option& option, std::string origin, const std::string& text) {
    const bool is_list = std::holds_alternative<std::vector<double>*>(option.target);
    std::vector<TomlValue> values = is_list ? split_commas(text) : std::vector<TomlValue>{{text, false}};
    given.push_back({std::move(origin), &option, std::move(values), false, is_list});
  };
  for (const Option& option : options_) {
    const std::string name = environment_name(option.name);
    if (const char* const text = std::getenv(name.c_str()); text != nullptr) {
      give(option, name, text);
    }
  }
  for (size_t i = 0; i < options_.size(); ++i) {
    if (const auto text = line.value(i)) {
      give(options_[i], "--" + options_[i].name, *text);
    }
  }
  for (const Given& one : given) {
    assign(*one.option, one);
  }
  if (prints_config_) {
    output = to_toml();
  }
  return !prints_config_;
}

void Options::read_config(const std::string& path, std::vector<Given>& given) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  LV_CHECK_AS(UsageError, !file.bad() && file.is_open(), "--config: cannot read '{}'", path);
  for (TomlEntry& entry : parse_toml(text, path)) {
    const std::string name = entry.table.empty() ? entry.key : entry.table + "." + entry.key;
    const Option* const option = find(entry.key);
    if (option == nullptr || option->group != entry.table) {
      std::vector<std::string> known;
      for (const Option& one : options_) {
        known.push_back(one.group + "." + one.name);
      }
      const std::string hint =
          option != nullptr ? fmt::format("; '{}' belongs to [{}]", entry.key, option->group) : suggestion(name, known);
      fail<UsageError>("{}:{}: unknown key '{}'{}", path, entry.line, name, hint);
    }
    given.push_back(
        {fmt::format("{}:{}: {}", path, entry.line, name), option, std::move(entry.values), true, entry.is_array});
  }
}

void Options::assign(const Option& option, const Given& given) {
  std::visit(
      [&](auto* target) {
        using T = std::remove_pointer_t<decltype(target)>;
        constexpr bool kIsList = std::is_same_v<T, std::vector<double>>;
        LV_CHECK_AS(UsageError, given.is_array == kIsList, "{}: wants {}", given.origin,
                    kIsList ? "an array of numbers" : "one value, not an array");
        if constexpr (kIsList) {
          target->clear();
          for (const TomlValue& value : given.values) {
            target->push_back(convert_value<double>(value, given.is_typed, option.limits, given.origin));
          }
        } else {
          *target = convert_value<T>(given.values[0], given.is_typed, option.limits, given.origin);
        }
      },
      option.target);
}

std::string Options::value_text(const Option& option) {
  return std::visit(
      [](const auto* target) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(target)>>;
        if constexpr (std::is_same_v<T, std::vector<double>>) {
          return fmt::format("{}", fmt::join(*target, ","));
        } else {
          return fmt::format("{}", *target);
        }
      },
      option.target);
}

std::string Options::to_toml() const {
  std::vector<std::string> groups;
  for (const Option& option : options_) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  std::string text;
  for (const std::string& group : groups) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", group);
    for (const Option& option : options_) {
      if (option.group == group) {
        std::string value = value_text(option);
        if (std::holds_alternative<std::string*>(option.target)) {
          value = quote_toml(value);
        } else if (std::holds_alternative<std::vector<double>*>(option.target)) {
          value = "[" + value + "]";
        }
        text += fmt::format("{} = {}\n", option.name, value);
      }
    }
  }
  return text;
}

}  // namespace lv::train
