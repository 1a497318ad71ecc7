#pragma once

#include <filesystem>
#include <iosfwd>

namespace lv::bench {

/// Lets another program time cases in slices of its choosing, interleaved with slices of its own. Each line of `in` is
/// a command and is answered by a line of JSON on `out`, until `in` ends:
///
///   limits              answers {"threads", "fp32_gflops", "bf16_gflops", "copies"}, what the machine can do at most;
///                       copies are pairs of the bytes moved and GB/s
///   prepare CASE FILE   makes the case's tensors, runs it once and writes them to FILE (safetensors; names as in
///                       Work::tensors); answers {"bytes", "flops", "limit_ms"}, what a run costs at least
///   time N              runs the prepared case N times; answers {"ms"}, the mean of a run
///   memory              answers {"mb"}, the process' peak since the case was prepared, less what it held before that
///   release             gives the case's memory back; answers {}
///
/// A command that cannot be followed is answered by {"error": message}. The machine's limits are measured first.
void serve(std::istream& in, std::ostream& out, const std::filesystem::path& photographs);

}  // namespace lv::bench
