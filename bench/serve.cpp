#include "bench/serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "bench/limits.h"
#include "bench/process_memory.h"
#include "core/allocator.h"
#include "core/parallel.h"
#include "core/safetensors.h"

namespace lv::bench {

namespace {

using nlohmann::json;

class Server {
 public:
  explicit Server(const std::filesystem::path& photographs) : cases_(cases_matching(".", photographs)) {}

  json answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "limits") {
      return limits();
    }
    if (command == "prepare") {
      std::string name;
      std::string file;
      words >> name >> std::ws;
      std::getline(words, file);
      return prepare(name, file);
    }
    if (command == "time") {
      int64_t repeats = 0;
      words >> repeats;
      return time(repeats);
    }
    if (command == "memory") {
      return {{"mb", 1e-6 * double(peak_resident_bytes() - bytes_before_)}};
    }
    if (command == "release") {
      release();
      return json::object();
    }
    throw Error(fmt::format("bench: unknown command \"{}\"; limits, prepare, time, memory or release", line));
  }

 private:
  [[nodiscard]] json limits() const {
    auto copies = json::array();
    for (const Limits::Copy& copy : limits_.copies) {
      copies.push_back({copy.bytes, 1e-9 * copy.bytes_per_second});
    }
    return {{"threads", num_threads()},
            {"fp32_gflops", 1e-9 * limits_.fp32_flops_per_second},
            {"bf16_gflops", 1e-9 * limits_.bf16_flops_per_second},
            {"copies", copies}};
  }

  json prepare(const std::string& name, const std::string& file) {
    release();
    bytes_before_ = resident_bytes();
    const auto found = std::find_if(cases_.begin(), cases_.end(), [&](const BenchCase& c) { return c.name == name; });
    LV_CHECK(found != cases_.end(), "bench: no case is named \"{}\"; --list shows all", name);
    work_ = found->prepare();
    save_safetensors(file, work_->tensors);
    work_->tensors.clear();
    allocator(Device::cpu()).trim();
    reset_peak_resident_bytes();
    const specs::Cost& cost = work_->cost;
    return {{"bytes", cost.bytes}, {"flops", cost.flops}, {"limit_ms", 1e3 * limits_.seconds(cost, work_->dtype)}};
  }

  void release() {
    work_.reset();
    allocator(Device::cpu()).trim();
  }

  json time(int64_t repeats) const {
    LV_CHECK(work_ && repeats > 0, "bench: \"time N\" wants a prepared case and N > 0, got {}", repeats);
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < repeats; ++i) {
      work_->run();
    }
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
    return {{"ms", elapsed.count() / double(repeats)}};
  }

  std::vector<BenchCase> cases_;
  Limits limits_ = measure_limits();
  std::optional<Work> work_;
  int64_t bytes_before_ = 0;
};

}  // namespace

void serve(std::istream& in, std::ostream& out, const std::filesystem::path& photographs) {
  Server server(photographs);
  for (std::string line; std::getline(in, line);) {
    json answer;
    try {
      answer = server.answer(line);
    } catch (const Error& error) {
      answer = {{"error", error.what()}};
    }
    out << answer.dump() << std::endl;  // flushed: the other side waits for it
  }
}

}  // namespace lv::bench
