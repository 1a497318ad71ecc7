// Times ops, optimisers, networks and the making of samples against the limits of this machine.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "bench/report.h"
#include "bench/serve.h"
#include "core/parallel.h"

namespace {

struct Options {
  bool list = false;
  bool limits = false;
  bool serve = false;
  std::string filter = ".";
  std::string json;
  std::string photographs;
  int threads = 0;
  double seconds = 0.5;
};

void print_limits(const lv::bench::Limits& limits) {
  fmt::print("{} threads, {}: {:.0f} GFLOP/s fp32, {:.0f} GFLOP/s bf16; copies:", lv::num_threads(), limits.isa,
             limits.fp32_flops_per_second * 1e-9, limits.bf16_flops_per_second * 1e-9);
  for (const auto& copy : limits.copies) {
    fmt::print(" {:.2g} MB {:.0f} GB/s", copy.bytes * 1e-6, copy.bytes_per_second * 1e-9);
  }
  fmt::print("\n");
}

void run(const Options& options) {
  if (options.threads > 0) {
    lv::set_num_threads(options.threads);
  }
  if (options.serve) {
    lv::bench::serve(std::cin, std::cout, options.photographs);
    return;
  }
  const auto cases = lv::bench::cases_matching(options.filter, options.photographs);
  if (options.list) {
    for (const auto& bench_case : cases) {
      fmt::print("{}\n", bench_case.name);
    }
    return;
  }
  const lv::bench::Limits limits = lv::bench::measure_limits();
  print_limits(limits);
  if (options.limits) {
    return;
  }
  LV_CHECK(!cases.empty(), "bench: no case matches \"{}\"; --list shows all", options.filter);
  fmt::print("{}\n", lv::bench::table_header());
  std::vector<lv::bench::Measurement> measurements;
  for (const auto& bench_case : cases) {
    measurements.push_back(lv::bench::measure(bench_case, limits, options.seconds));
    fmt::print("{}\n", lv::bench::table_row(measurements.back()));
    std::fflush(stdout);
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << lv::bench::to_json(measurements) << '\n';
    LV_CHECK_AS(lv::IoError, file.good(), "bench: cannot write {}", options.json);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Times ops, optimiser steps and networks: median, spread, throughput, and share of the machine's measured "
      "limit."};
  app.add_flag("--list", options.list, "Name the cases, op/shape/dtype/pass, and stop");
  app.add_flag("--limits", options.limits, "Print the machine's measured limits and stop");
  app.add_flag("--serve", options.serve, "Take commands from standard input (bench/serve.h)");
  app.add_option("--filter", options.filter, "Regular expression that a case's name must contain");
  app.add_option("--photographs", options.photographs, "Folder of .jpg files, for the case that decodes them")
      ->check(CLI::ExistingDirectory);
  app.add_option("--threads", options.threads, "Threads; default: the CPUs of this process")
      ->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "Time for each case")->check(CLI::PositiveNumber);
  app.add_option("--json", options.json, "Also write the results to this file");
  app.footer("Example: bench --filter 'conv2d/.*/fp32' --threads 2");
  try {
    app.parse(argc, argv);
    run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
