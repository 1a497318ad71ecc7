#include "apps/train/environment.h"

#include <fmt/chrono.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"

namespace lv::train {

namespace {

constexpr const char* kRevision =
#include LV_REVISION_FILE
    ;

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

}  // namespace

std::string environment_text(Device device) {
  utsname host{};
  ::uname(&host);
  std::string text;
  const auto add = [&text](std::string_view name, const auto& value) {
    text += fmt::format("{:<16}{}\n", name, value);
  };
  add("revision", kRevision);
  add("build", LV_BUILD_TYPE);
  add("compiler", __VERSION__);
  add("host", host.nodename);
  add("system", fmt::format("{} {}", host.sysname, host.release));
  add("processor", processor_name());
  add("instructions", kernels::cpu::isa_level() == kernels::cpu::IsaLevel::v4 ? "x86-64-v4" : "x86-64-v3");
  add("threads", num_threads());
  add("device", device);
  add("start", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr))));
  return text;
}

}  // namespace lv::train
