#include "kernels/simt/access_checker.h"

#include <bit>
#include <map>
#include <mutex>
#include <optional>

#include "core/error.h"
#include "kernels/simt/checker/access.h"
#include "kernels/simt/checker/happens_before.h"
#include "kernels/simt/checker/shadow.h"
#include "kernels/simt/checker/traffic.h"
#include "kernels/simt/machine.h"
#include "kernels/simt/observer.h"
#include "kernels/simt/symbolize.h"

#if defined(LV_CUDA_EMULATED)
#include "core/cuda/driver.h"
#endif

// Provided by the linker: the bounds of the program, constants included.
extern "C" const char __executable_start;
extern "C" const char _end;

namespace lv::simt {
namespace {

/// The memory an access fell into.
struct Target {
  Region* region = nullptr;                    // global memory ...
  const SharedMemory::Array* array = nullptr;  // ... or shared
  const std::byte* begin = nullptr;            // of either
  Shadow* shadow = nullptr;
  int64_t shadow_offset = 0;

  [[nodiscard]] explicit operator bool() const { return shadow != nullptr; }
  [[nodiscard]] std::string name() const {
    return region != nullptr ? region->name : "shared array " + std::string(array->tag->name);
  }
};

const char* verb(AccessKind kind) {
  return kind == AccessKind::read ? "reads" : kind == AccessKind::write ? "writes" : "updates atomically";
}

class AccessChecker final : public Observer {
 public:
  void launch_begins(const Launch& launch) override {
    mutex_.lock();
    launch_ = &launch;
    order_.launch_begins();
    if (recorder_ != nullptr) {
      counter_.emplace(recorder_->detail());
    }
  }

  void launch_ends(const Launch& launch) noexcept override {
    if (counter_) {
      recorder_->add(counter_->result(launch));
      counter_.reset();
    }
    launch_ = nullptr;
    mutex_.unlock();
  }

  void block_begins(const Machine& machine) override {
    order_.block_begins(machine.block().number, machine.num_lanes());
  }

  void block_ends() override {
    if (counter_) {
      counter_->block_ends();
    }
  }

  void barrier_passed() override { order_.barrier_passed(); }
  void warp_passed(int warp, uint32_t mask) override { order_.warp_passed(warp, mask); }
  void fence() override { order_.fence(current_lane->number); }

  // Other threads must keep away from the target from now on, and the copying thread must not read it before the end.
  void async_copy_begins(const AsyncCopy& copy) override {
    access(static_cast<const std::byte*>(copy.global), copy.valid_bytes, AccessKind::read, copy.pc);
    access(static_cast<const std::byte*>(copy.shared), copy.bytes, AccessKind::write, copy.pc);
    const Target target = find(static_cast<const std::byte*>(copy.shared));
    if (target.array == nullptr) {
      current_machine->abandon("an asynchronous copy goes elsewhere than to shared memory, " + source_line(copy.pc));
    }
    for (int64_t i = 0; i < copy.bytes; ++i) {
      target.shadow->at(target.shadow_offset + i).write.interval = 0;
    }
  }

  void async_copy_ends(const AsyncCopy& copy) override {
    check(find(static_cast<const std::byte*>(copy.shared)), static_cast<const std::byte*>(copy.shared), copy.bytes,
          AccessKind::write, copy.pc);
  }

  void access(const std::byte* p, int64_t bytes, AccessKind kind, const void* pc) {
    if (bytes == 0 || current_lane->fiber->contains(p)) {
      return;
    }
    const Target target = find(p);
    const int64_t room =
        target ? (target.region != nullptr ? target.region->bytes : target.array->bytes) - (p - target.begin) : 0;
    if (bytes > room) {
      check_constant(p, bytes, kind, pc);
      return;
    }
    if (counter_) {
      counter_->count(target.region, p, bytes, kind, pc, *current_lane);
    }
    check(target, p, bytes, kind, pc);
    if (kind == AccessKind::atomic) {
      order_.atomic(p, current_lane->number);
    }
  }

  void add_region(const std::byte* p, int64_t bytes, std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto after = regions_.lower_bound(p);
    const bool overlaps =
        (after != regions_.end() && after->second.begin < p + bytes) ||
        (after != regions_.begin() && std::prev(after)->second.begin + std::prev(after)->second.bytes > p);
    LV_CHECK(!overlaps, "register_region: {} ({} bytes) overlaps another region", name, bytes);
    regions_.emplace(p, Region{p, bytes, std::string(name), Shadow(bytes)});
  }

  void remove_region(const std::byte* p) {
    const std::lock_guard lock(mutex_);
    LV_CHECK(regions_.erase(p) == 1, "unregister_region: {} was not registered", fmt::ptr(p));
  }

  void set_recorder(TrafficRecorder* recorder) {
    const std::lock_guard lock(mutex_);
    LV_CHECK(recorder == nullptr || recorder_ == nullptr, "TrafficRecorder: another one is counting");
    recorder_ = recorder;
  }

 private:
  Target find(const std::byte* p) {
    const SharedMemory& shared = current_machine->shared_memory();
    if (shared.contains(p)) {
      for (const auto& array : shared.arrays()) {
        if (p >= array.data && p < array.data + array.bytes) {
          return {nullptr, &array, array.data, &shared_shadow_, p - shared.memory()};
        }
      }
      return {};
    }
    auto region = regions_.upper_bound(p);
    if (region == regions_.begin()) {
      return {};
    }
    Region& found = (--region)->second;
    if (p >= found.begin + found.bytes) {
      return {};
    }
    return {&found, nullptr, found.begin, &found.shadow, p - found.begin};
  }

  // The kernel's arguments and the program's constants may be read.
  void check_constant(const std::byte* p, int64_t bytes, AccessKind kind, const void* pc) {
    const auto within = [&](const void* begin, const void* end) { return p >= begin && p + bytes <= end; };
    const auto* closure = static_cast<const std::byte*>(launch_->closure);
    if (kind == AccessKind::read &&
        (within(closure, closure + launch_->closure_bytes) || within(&__executable_start, &_end))) {
      return;
    }
    const bool shared = current_machine->shared_memory().contains(p);
    std::string text = fmt::format(
        "thread {} of {} {} {} bytes {}, {}", current_lane->number, current_machine->block_name(), verb(kind), bytes,
        shared ? "outside every shared array" : "outside every region of device memory", source_line(pc));
    const auto after = regions_.upper_bound(p);
    if (!shared && after != regions_.begin()) {
      const Region& region = std::prev(after)->second;
      text += fmt::format(" ({} bytes from the beginning of {}, which has {})", p - region.begin, region.name,
                          region.bytes);
    }
    current_machine->abandon(text);
  }

  void check(const Target& target, const std::byte* p, int64_t bytes, AccessKind kind, const void* pc) {
    const int thread = current_lane->number;
    for (int64_t i = 0; i < bytes; ++i) {
      ByteHistory& byte = target.shadow->at(target.shadow_offset + i);
      const int64_t offset = p - target.begin + i;
      if (target.array != nullptr) {
        forget_other_blocks(byte);
      }
      if (target.array != nullptr && kind != AccessKind::write && !order_.in_block(byte.write.interval)) {
        report_unwritten(target, offset, pc);
      }
      const bool both_atomic = kind == AccessKind::atomic && byte.atomic;
      if (!both_atomic && !order_.ordered(byte.write, thread)) {
        report_race(target, offset, kind, pc, byte.atomic ? "updated atomically" : "written", byte.write.interval,
                    fmt::format("thread {}", byte.write.thread), byte.write_pc);
      }
      if (kind == AccessKind::read) {
        byte.reads = order_.with_reader(byte.reads, thread);
        byte.read_pc = pc;
        continue;
      }
      if (!order_.ordered(byte.reads, thread)) {
        report_race(target, offset, kind, pc, "read", byte.reads.interval, readers_of(byte.reads), byte.read_pc);
      }
      byte.write = order_.now(thread);
      byte.write_pc = pc;
      byte.atomic = kind == AccessKind::atomic;
    }
  }

  // Each block has a shared memory of its own, which takes turns in one place here.
  void forget_other_blocks(ByteHistory& byte) const {
    if (!order_.in_block(byte.write.interval)) {
      byte.write = {};
      byte.atomic = false;
    }
    if (!order_.in_block(byte.reads.interval)) {
      byte.reads = {};
    }
  }

  static std::string readers_of(const Readers& readers) {
    switch (readers.spread) {
      case Readers::Spread::blocks:
        return "threads of several blocks, the last";
      case Readers::Spread::warps:
        return fmt::format("threads of several warps, the last of warp {},", readers.warp);
      default:
        return fmt::format("thread {}", readers.warp * kWarpSize + std::countr_zero(readers.lanes));
    }
  }

  [[noreturn]] void report_unwritten(const Target& target, int64_t offset, const void* pc) {
    current_machine->abandon(fmt::format("thread {} of {} reads byte {} of {}, which the block has not written, {}",
                                         current_lane->number, current_machine->block_name(), offset, target.name(),
                                         source_line(pc)));
  }

  [[noreturn]] void report_race(const Target& target, int64_t offset, AccessKind kind, const void* pc, const char* done,
                                uint32_t interval, const std::string& who, const void* other_pc) {
    const bool same_block = order_.in_block(interval);
    current_machine->abandon(fmt::format(
        "race: thread {} of {} {} byte {} of {}, {}, which was {} by {} of {}, {}, with nothing that orders the two",
        current_lane->number, current_machine->block_name(), verb(kind), offset, target.name(), source_line(pc), done,
        who, same_block ? "the same block" : fmt::format("block number {}", order_.block_of(interval)),
        source_line(other_pc)));
  }

  std::mutex mutex_;  // held while a launch runs
  const Launch* launch_ = nullptr;
  HappensBefore order_;
  std::map<const std::byte*, Region> regions_;
  Shadow shared_shadow_{SharedMemory::kMemoryBytes};
  TrafficRecorder* recorder_ = nullptr;
  std::optional<TrafficCounter> counter_;
};

AccessChecker& checker() {
  static AccessChecker instance;
  return instance;
}

[[maybe_unused]] const bool installed = [] {
  observer = &checker();
#if defined(LV_CUDA_EMULATED)
  cuda::on_device_memory = [](void* p, int64_t bytes, bool alive) {
    if (alive) {
      register_region(p, bytes, "device memory");
    } else {
      unregister_region(p);
    }
  };
#endif
  return true;
}();

}  // namespace

void register_region(const void* p, int64_t bytes, std::string_view name) {
  checker().add_region(static_cast<const std::byte*>(p), bytes, name);
}
void unregister_region(const void* p) { checker().remove_region(static_cast<const std::byte*>(p)); }

void check_access(const void* p, int64_t bytes, AccessKind kind, const void* pc) {
  if (current_lane != nullptr) {
    checker().access(static_cast<const std::byte*>(p), bytes, kind, pc);
  }
}

TrafficRecorder::TrafficRecorder(Detail detail) : detail_(detail) { checker().set_recorder(this); }
TrafficRecorder::~TrafficRecorder() { checker().set_recorder(nullptr); }

}  // namespace lv::simt
