#include "kernels/simt/checker/traffic.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_map>

#include "kernels/simt/symbolize.h"

namespace lv::simt {
namespace {

constexpr uint64_t kSectorBytes = 32;
constexpr uint64_t kBanks = 32;
constexpr uint64_t kBankBytes = 4;

/// The different multiples of `unit` that the accesses touch, divided by it, in ascending order.
template <class Iterator>
std::vector<uint64_t> units_of(Iterator begin, Iterator end, uint64_t unit) {
  std::vector<uint64_t> units;
  for (auto access = begin; access != end; ++access) {
    const uint64_t last = (access->address + uint64_t(access->bytes) - 1) / unit;
    for (uint64_t i = access->address / unit; i <= last; ++i) {
      units.push_back(i);
    }
  }
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return units;
}

int64_t round_up_to_units(uint64_t n, uint64_t unit) { return int64_t((n + unit - 1) / unit); }

}  // namespace

int64_t LaunchTraffic::loaded_bytes() const {
  int64_t sum = 0;
  for (const auto& region : regions) {
    sum += region.loaded_bytes;
  }
  return sum;
}

int64_t LaunchTraffic::stored_bytes() const {
  int64_t sum = 0;
  for (const auto& region : regions) {
    sum += region.stored_bytes;
  }
  return sum;
}

void TrafficCounter::count(const Region* region, const void* p, int64_t bytes, AccessKind kind, const void* pc,
                           const Lane& lane) {
  if (region != nullptr) {
    auto& traffic = regions_[region->begin];
    if (traffic.region.empty()) {
      traffic.region = region->name;
    }
    (kind == AccessKind::read    ? traffic.loaded_bytes
     : kind == AccessKind::write ? traffic.stored_bytes
                                 : traffic.atomic_bytes) += bytes;
  }
  if (detail_ == TrafficRecorder::Detail::transactions) {
    accesses_.push_back(
        {region, pc, uint64_t(reinterpret_cast<uintptr_t>(p)), int32_t(bytes), 0, uint16_t(lane.number), kind});
  }
}

// The lanes of a warp run one after the other here. What they would do in one instruction are the accesses at the same
// place of the program, the first of each lane together, the second, and so on: exact as long as lanes that skip a turn
// of a loop are not expected to wait for the others.
void TrafficCounter::block_ends() {
  std::unordered_map<const void*, std::vector<int32_t>> visits;  // by place and thread
  for (Access& access : accesses_) {
    auto& of_place = visits[access.pc];
    if (of_place.size() <= access.thread) {
      of_place.resize(size_t{access.thread} + 1);
    }
    access.occurrence = of_place[access.thread]++;
  }
  std::sort(accesses_.begin(), accesses_.end(),
            [](const Access& a, const Access& b) { return a.instruction() < b.instruction(); });
  for (auto begin = accesses_.cbegin(); begin != accesses_.cend();) {
    const auto end = std::find_if(begin, accesses_.cend(),
                                  [&](const Access& access) { return access.instruction() != begin->instruction(); });
    count_request(begin, end);
    begin = end;
  }
  accesses_.clear();
}

void TrafficCounter::count_request(Accesses::const_iterator begin, Accesses::const_iterator end) {
  if (begin->kind == AccessKind::atomic) {
    return;
  }
  if (begin->region != nullptr) {
    auto& traffic = regions_[begin->region->begin];
    auto& transactions = begin->kind == AccessKind::read ? traffic.loads : traffic.stores;
    ++transactions.requests;
    transactions.units += int64_t(units_of(begin, end, kSectorBytes).size());
    transactions.ideal_units += round_up_to_units(units_of(begin, end, 1).size(), kSectorBytes);
    return;
  }
  const auto words = units_of(begin, end, kBankBytes);
  std::array<int64_t, kBanks> words_of_bank{};
  for (const uint64_t word : words) {
    ++words_of_bank[word % kBanks];
  }
  ++shared_.requests;
  shared_.units += *std::max_element(words_of_bank.begin(), words_of_bank.end());
  shared_.ideal_units += round_up_to_units(words.size(), kBanks);
}

LaunchTraffic TrafficCounter::result(const Launch& launch) const {
  LaunchTraffic traffic{function_name(launch.kernel), launch.grid, launch.block, {}, shared_};
  for (const auto& [begin, region] : regions_) {
    traffic.regions.push_back(region);
  }
  return traffic;
}

}  // namespace lv::simt
