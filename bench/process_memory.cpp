#include "bench/process_memory.h"

#include <fstream>
#include <string>

#include "core/error.h"

namespace lv::bench {

namespace {

/// Such as "VmRSS:     1234 kB".
int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kibibytes = 0;
    if (word == key && status >> kibibytes) {
      return kibibytes * 1024;
    }
  }
  throw IoError("bench: /proc/self/status has no " + key);
}

}  // namespace

int64_t resident_bytes() { return status_bytes("VmRSS:"); }

int64_t peak_resident_bytes() { return status_bytes("VmHWM:"); }

void reset_peak_resident_bytes() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  LV_CHECK_AS(IoError, file.good(), "bench: cannot write /proc/self/clear_refs");
}

}  // namespace lv::bench
