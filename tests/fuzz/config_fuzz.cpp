// A configuration file, from its TOML to the values of the options.

#include <cstdlib>

#include "apps/train/options.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory_file.h"

using namespace lv;
using namespace lv::train;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// The values that a configuration gives, as another configuration.
std::string read(const test::MemoryFile& file, std::string_view text) {
  bool flag = false;
  int64_t count = 3;
  double rate = 0.1;
  std::string name = "plain";
  std::vector<double> list = {1, 2};
  Options options("program", "Does something.", "program");
  options.add("data", "count", &count, "a number", {.min = 1, .max = 4096});
  options.add("data", "name", &name, "a text");
  options.add("optim", "rate", &rate, "a number", {.min = 0});
  options.add("optim", "list", &list, "numbers");
  options.add("run", "flag", &flag, "a choice");
  file.write(text.data(), text.size());
  const std::string path = file.path();
  const char* const arguments[] = {"program", "--config", path.c_str()};
  std::string output;
  require(options.parse(3, arguments, output));
  require(count >= 1 && count <= 4096 && rate >= 0);
  return options.to_toml();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const test::MemoryFile file;
  std::string values;
  try {
    values = read(file, {reinterpret_cast<const char*>(data), size});
  } catch (const UsageError& error) {
    require(std::string_view(error.what()).starts_with(file.path() + ":"));
    return 0;
  }
  require(read(file, values) == values);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {
      R"([data]
count = 7
name = "a \"b\" \u00e9"
[optim]
rate = 2.5e-3
list = [1, 2.5, -3e2]
[run]
flag = true
)",
      "# comment\n[data]\nname = 'raw'\ncount = 0x1F\n\n[optim]\nlist = []\nrate = 1_000\n",
      "optim.rate = 1\ndata = {count = 9, name = '''a\nb'''}\n", "[data]\ncuont = 1\n", ""};
}

std::vector<std::string_view> fuzz_tokens() {
  return {"[data]\n", "[optim]\n", "[run]\n",    "count = ", "name = ", "rate = ",
          "list = [", "flag = ",   "\"",         "'",        "'''",     "\\u00e9",
          "\\",       "\n",        "#",          "1e308",    "-0.0",    "nan",
          "inf",      "0b11",      "true",       "[[",       "]]",      "{",
          "}",        ".",         "1979-05-27", ",",        "=",       "9223372036854775807"};
}

/// A table for keys without one.
void fuzz_repair(std::string& input) {
  if (!input.empty() && input[0] != '[') {
    input.insert(0, "[data]\n");
  }
}
