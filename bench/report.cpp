#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <regex>

namespace lv::bench {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_of(const std::function<void()>& run, int64_t repeats) {
  const Clock::time_point begin = Clock::now();
  for (int64_t i = 0; i < repeats; ++i) {
    run();
  }
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count() / double(repeats);
}

}  // namespace

std::vector<BenchCase> cases_matching(const std::string& filter, const std::filesystem::path& photographs) {
  const std::regex pattern(filter);
  std::vector<BenchCase> cases = spec_cases();
  for (const std::vector<BenchCase>& others : {optimizer_cases(), network_cases(), photograph_cases(photographs)}) {
    cases.insert(cases.end(), others.begin(), others.end());
  }
  std::erase_if(cases, [&](const BenchCase& c) { return !std::regex_search(c.name, pattern); });
  return cases;
}

Measurement measure(const BenchCase& bench_case, const Limits& limits, double seconds) {
  constexpr size_t kLeastSamples = 5;
  constexpr size_t kMostSamples = 200;
  constexpr double kShortestSampleMs =
      0.2;  // shorter work is repeated within a sample, so that the clock's reading costs nothing
  const Work work = bench_case.prepare();
  work.run();
  const double once = milliseconds_of(work.run, 1);
  const auto repeats = std::max<int64_t>(1, int64_t(kShortestSampleMs / once));
  std::vector<double> samples;
  const Clock::time_point begin = Clock::now();
  while (samples.size() < kLeastSamples ||
         (samples.size() < kMostSamples && std::chrono::duration<double>(Clock::now() - begin).count() < seconds)) {
    samples.push_back(milliseconds_of(work.run, repeats));
  }
  std::sort(samples.begin(), samples.end());
  const double median = samples[samples.size() / 2];
  return {.name = bench_case.name,
          .median_ms = median,
          .spread = (samples[samples.size() * 3 / 4] - samples[samples.size() / 4]) / median,
          .gigabytes_per_second = work.cost.bytes / median * 1e-6,
          .gigaflops_per_second = work.cost.flops / median * 1e-6,
          .limit_share = limits.seconds(work.cost, work.dtype) * 1e3 / median};
}

std::string table_header() {
  return fmt::format("{:<64} {:>10} {:>7} {:>8} {:>9} {:>7}", "case", "ms", "spread", "GB/s", "GFLOP/s", "limit");
}

std::string table_row(const Measurement& m) {
  return fmt::format("{:<64} {:>10.4f} {:>6.1f}% {:>8.1f} {:>9.1f} {:>6.1f}%", m.name, m.median_ms, 100 * m.spread,
                     m.gigabytes_per_second, m.gigaflops_per_second, 100 * m.limit_share);
}

std::string to_json(const std::vector<Measurement>& measurements) {
  auto list = nlohmann::json::array();
  for (const Measurement& m : measurements) {
    list.push_back({{"case", m.name},
                    {"median_ms", m.median_ms},
                    {"spread", m.spread},
                    {"gigabytes_per_second", m.gigabytes_per_second},
                    {"gigaflops_per_second", m.gigaflops_per_second},
                    {"limit_share", m.limit_share}});
  }
  return list.dump(1);
}

}  // namespace lv::bench
