#include "kernels/simt/emulator.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/error.h"
#include "kernels/simt/machine.h"
#include "kernels/simt/observer.h"
#include "kernels/simt/symbolize.h"

namespace lv::simt {
namespace {

Options initial_options() {
  Options result;
  const char* text = std::getenv("LV_SIMT_ORDER");
  const std::string_view order = text == nullptr ? "forward" : text;
  if (order == "backward") {
    result.order = LaneOrder::backward;
  } else if (order == "shuffled") {
    result.order = LaneOrder::shuffled;
  } else {
    LV_CHECK(order == "forward", "LV_SIMT_ORDER must be forward, backward or shuffled, got {}", order);
  }
  return result;
}

/// The limits that every CUDA device has.
void check_configuration(const Launch& launch) {
  const auto& grid = launch.grid;
  const auto& block = launch.block;
  const auto threads = int64_t(block.x) * block.y * block.z;
  LV_CHECK_AS(CudaError, threads >= 1 && threads <= 1024 && block.z <= 64,
              "a block must have 1 to 1024 threads, at most 64 in z, got [{}, {}, {}]", block.x, block.y, block.z);
  LV_CHECK_AS(CudaError, grid.x <= 0x7fffffffU && grid.y <= 65535 && grid.z <= 65535,
              "a grid must be at most [2147483647, 65535, 65535], got [{}, {}, {}]", grid.x, grid.y, grid.z);
  LV_CHECK_AS(CudaError, launch.shared_bytes >= 0 && launch.shared_bytes <= kMaxSharedBytes,
              "a block has at most {} bytes of shared memory, asked for {}", kMaxSharedBytes, launch.shared_bytes);
}

/// Which block runs at a given turn.
class BlockOrder {
 public:
  BlockOrder(int64_t blocks, const Options& options) : blocks_(blocks), order_(options.order) {
    // Multiples of a number without a common divisor visit every block once.
    while (std::gcd(stride_, blocks_) != 1) {
      ++stride_;
    }
    start_ = options.seed % blocks_;
  }

  [[nodiscard]] int64_t at(int64_t turn) const {
    switch (order_) {
      case LaneOrder::backward:
        return blocks_ - 1 - turn;
      case LaneOrder::shuffled:
        return (start_ + turn % blocks_ * stride_) % blocks_;
      default:
        return turn;
    }
  }

 private:
  int64_t blocks_;
  LaneOrder order_;
  int64_t stride_ = 7919;
  int64_t start_ = 0;
};

/// Deals the blocks of one launch to the OS threads that run them, and keeps the first error.
class Dealer {
 public:
  Dealer(const Launch& launch, int64_t blocks) : launch_(launch), blocks_(blocks), order_(blocks, options()) {}

  /// Runs blocks on the calling OS thread until there are none left.
  void work() noexcept {
    static thread_local Machine machine;
    current_machine = &machine;
    try {
      for (int64_t turn = 0; !failed_ && (turn = next_++) < blocks_;) {
        machine.run_block(launch_, order_.at(turn));
      }
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      if (!failed_.exchange(true)) {
        complaint_ = error.what();
      }
    }
    current_machine = nullptr;
  }

  void finish() const {
    if (failed_) {
      throw CudaError(fmt::format("kernel {}: {}", function_name(launch_.kernel), complaint_));
    }
  }

 private:
  const Launch& launch_;
  int64_t blocks_;
  BlockOrder order_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string complaint_;
};

}  // namespace

Options& options() {
  static Options instance = initial_options();
  return instance;
}

void run(const Launch& launch) {
  const int64_t blocks = int64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
  try {
    check_configuration(launch);
  } catch (const CudaError& error) {
    throw CudaError(fmt::format("kernel {}: {}", function_name(launch.kernel), error.what()));
  }
  Dealer dealer(launch, blocks);
  if (observer != nullptr) {
    observer->launch_begins(launch);
    dealer.work();
    observer->launch_ends(launch);
  } else if (options().workers <= 1) {
    dealer.work();
  } else {
    std::vector<std::thread> threads;
    for (int i = 0; i < options().workers; ++i) {
      threads.emplace_back([&] { dealer.work(); });
    }
    for (auto& thread : threads) {
      thread.join();
    }
  }
  dealer.finish();
}

}  // namespace lv::simt
