#pragma once

#include "bench/case.h"
#include "bench/limits.h"

namespace lv::bench {

/// What was measured of one case.
struct Measurement {
  std::string name;
  double median_ms = 0;
  double spread = 0;  // interquartile range over the median
  double gigabytes_per_second = 0;
  double gigaflops_per_second = 0;
  double limit_share = 0;  // the least possible time over the median
};

/// Times a case: repeated runs for about `seconds`, at least five.
Measurement measure(const BenchCase& bench_case, const Limits& limits, double seconds);

std::string table_header();
std::string table_row(const Measurement& measurement);
/// A JSON list of objects with the members' names.
std::string to_json(const std::vector<Measurement>& measurements);

}  // namespace lv::bench
