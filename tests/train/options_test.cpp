#include "apps/train/options.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "apps/train/toml.h"
#include "tests/core/scratch_folder.h"

using namespace lv;
using namespace lv::train;
using Catch::Contains;
using Catch::Equals;
using Catch::StartsWith;
using Catch::Matchers::Message;

namespace {

struct Values {
  bool verbose = false;
  int64_t batch_size = 32;
  double lr = 0.1;
  std::string name = "plain";
  std::vector<double> milestones = {30, 60};
};

/// Options of two groups over `values`, and what parsing a command line gives.
struct Program {
  Values values;
  std::string output;

  Options options() {
    Options result("program", "Does something.", "program --lr 0.2");
    result.add("data", "batch-size", &values.batch_size, "pictures of a batch", {.min = 1, .max = 4096});
    result.add("data", "name", &values.name, "a name", {.choices = {"plain", "fancy", "odd \"#\\name"}});
    result.add("optim", "lr", &values.lr, "the rate", {.min = 0});
    result.add("optim", "milestones", &values.milestones, "epochs");
    result.add("run", "verbose", &values.verbose, "says more");
    return result;
  }

  bool parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "program");
    return options().parse(int(arguments.size()), arguments.data(), output);
  }
};

/// A variable of the environment until the end of the scope.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

std::string write_config(const test::ScratchFolder& folder, const std::string& text) {
  const auto path = folder / "config.toml";
  std::ofstream(path) << text;
  return path.string();
}

}  // namespace

TEST_CASE("a flag beats the environment, which beats the file, which beats the default") {
  const test::ScratchFolder folder;
  const std::string config = write_config(folder, "[data]\nbatch-size = 3\n[optim]\nlr = 3.5\n[run]\nverbose = true\n");
  const Environment batch_size("LV_BATCH_SIZE", "2");
  const Environment lr("LV_LR", "2.5");
  Program program;
  REQUIRE(program.parse({"--lr", "1.5", "--config", config.c_str()}));
  CHECK(program.values.lr == 1.5);
  CHECK(program.values.batch_size == 2);
  CHECK(program.values.verbose);
  CHECK(program.values.name == "plain");
}

TEST_CASE("the configuration's path may come from the environment") {
  const test::ScratchFolder folder;
  const Environment config("LV_CONFIG", write_config(folder, "[data]\nbatch-size = 3\n"));
  Program program;
  REQUIRE(program.parse({}));
  CHECK(program.values.batch_size == 3);
}

TEST_CASE("a printed configuration gives the same values again") {
  Program first;
  REQUIRE_FALSE(first.parse({"--print-config", "--lr", "0.1234567890123456789", "--name", "odd \"#\\name",
                             "--milestones", "1,2.5,1e-7", "--verbose"}));
  const test::ScratchFolder folder;
  const std::string config = write_config(folder, first.output);
  Program second;
  REQUIRE_FALSE(second.parse({"--print-config", "--config", config.c_str()}));
  CHECK(second.output == first.output);
  CHECK(second.values.lr == 0.1234567890123456789);
  CHECK(second.values.name == "odd \"#\\name");
  CHECK(second.values.milestones == std::vector<double>{1, 2.5, 1e-7});
  CHECK(second.values.verbose);
}

TEST_CASE("unknown names are refused with the nearest known one") {
  Program program;
  CHECK_THROWS_MATCHES(program.parse({"--batch-sise", "3"}), UsageError,
                       Message("unknown option '--batch-sise'; did you mean '--batch-size'?"));
  CHECK_THROWS_MATCHES(program.parse({"--quite-different=3"}), UsageError,
                       Message("unknown option '--quite-different'"));
  CHECK_THROWS_MATCHES(program.parse({"stray"}), UsageError, Message("unexpected argument 'stray'"));

  const test::ScratchFolder folder;
  const std::string config = write_config(folder, "# comment\n[optim]\nlearning = 1\n");
  const auto refused = [&](const std::string& text) {
    write_config(folder, text);
    return program.parse({"--config", config.c_str()});
  };
  CHECK_THROWS_MATCHES(refused("\n[optim]\nlrr = 1\n"), UsageError,
                       Message(config + ":3: unknown key 'optim.lrr'; did you mean 'optim.lr'?"));
  CHECK_THROWS_MATCHES(refused("[data]\nlr = 1\n"), UsageError,
                       Message(config + ":2: unknown key 'data.lr'; 'lr' belongs to [optim]"));
}

TEST_CASE("values of the wrong kind or out of their limits are refused, with where they came from") {
  Program program;
  CHECK_THROWS_MATCHES(program.parse({"--batch-size", "many"}), UsageError,
                       Message("--batch-size: wants an integer, got 'many'"));
  CHECK_THROWS_MATCHES(program.parse({"--batch-size", "0"}), UsageError,
                       Message("--batch-size: wants at least 1, got 0"));
  CHECK_THROWS_MATCHES(program.parse({"--batch-size", "5000"}), UsageError,
                       Message("--batch-size: wants at most 4096, got 5000"));
  CHECK_THROWS_MATCHES(program.parse({"--name", "fency"}), UsageError,
                       Message("--name: wants one of plain, fancy, odd \"#\\name, got 'fency'; did you mean 'fancy'?"));
  CHECK_THROWS_AS(program.parse({"--lr"}), UsageError);
  CHECK_THROWS_AS(program.parse({"--lr", "nan"}), UsageError);
  CHECK_THROWS_MATCHES(program.parse({"--config", "/nowhere/at all.toml"}), UsageError,
                       Message("--config: cannot read '/nowhere/at all.toml'"));
  const Environment lr("LV_LR", "fast");
  CHECK_THROWS_MATCHES(program.parse({}), UsageError, Message("LV_LR: wants a number, got 'fast'"));
}

TEST_CASE("in a configuration quotes tell texts from numbers") {
  const test::ScratchFolder folder;
  Program program;
  const std::string config = write_config(folder, "[optim]\nlr = \"1\"\n");
  CHECK_THROWS_MATCHES(program.parse({"--config", config.c_str()}), UsageError,
                       Message(config + ":2: optim.lr: wants a number, got '1'"));
  write_config(folder, "[optim]\nlr = [1]\n");
  CHECK_THROWS_MATCHES(program.parse({"--config", config.c_str()}), UsageError,
                       Message(config + ":2: optim.lr: wants one value, not an array"));
}

TEST_CASE("help has every group and option, defaults and the example") {
  Program program;
  REQUIRE_FALSE(program.parse({"--help"}));
  for (const char* part : {"data:", "optim:", "run:", "--batch-size", "32", "pictures of a batch", "plain|fancy",
                           "30,60", "--print-config", "--config", "program --lr 0.2"}) {
    CHECK_THAT(program.output, Contains(part));
  }
}

TEST_CASE("toml: tables, texts, numbers, arrays over several lines, comments") {
  const auto entries = parse_toml(
      "top = 1 # here\n\n[ one ]\ntext = \"a # \\\"b\\\" \\n\"\nraw = 'c:\\x'\nlist = [\n  1, # first\n  2.5e-3,\n]\r\n"
      "empty = []\nyes = true",
      "x");
  REQUIRE(entries.size() == 6);
  CHECK((entries[0].table.empty() && entries[0].key == "top" && entries[0].line == 1));
  CHECK((entries[1].table == "one" && entries[1].values[0].text == "a # \"b\" \n" && entries[1].values[0].is_text));
  CHECK(entries[2].values[0].text == "c:\\x");
  CHECK((entries[3].is_array && entries[3].values.size() == 2 && entries[3].values[1].text == "0.0025"));
  CHECK((entries[4].is_array && entries[4].values.empty()));
  CHECK((entries[5].values[0].text == "true" && entries[5].line == 11));
}

TEST_CASE("toml: what it does not read is refused by line") {
  const auto message = [](const char* text) -> std::string {
    try {
      parse_toml(text, "x");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK_THAT(message("a = 1\na = 2\n"), StartsWith("x:2: ") && Contains("redefine") && Contains("'a'"));
  CHECK_THAT(message("[t]\n[t]\n"), StartsWith("x:2: ") && Contains("redefine") && Contains("'t'"));
  CHECK_THAT(message("a = 1\nb = \"open\n"), StartsWith("x:2: "));
  CHECK_THAT(message("\na = word\n"), StartsWith("x:2: "));
  CHECK_THAT(message("a = \"\xFF\"\n"), StartsWith("x:1: "));
  CHECK_THAT(message("a = 1\nb \xC3\x91 = 1\n"), StartsWith("x:2: "));
  CHECK(message("a = 1\n[.b]\nc = 1\n") == "x:2: is no TOML");
  CHECK(message("[t]\n[t.u]\na = 1\n") == "x:2: 'u' is a table within table 't'");
  CHECK(message("\na.b.c = 1\n") == "x:2: 'b' is a table within table 'a'");
  CHECK_THAT(message("a = [[1]]\n"), StartsWith("x:1: wants"));
  CHECK_THAT(message("a = 1979-05-27\n"), StartsWith("x:1: wants"));
}
