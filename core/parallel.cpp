#include "core/parallel.h"

#include <sched.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <mutex>
#include <string>
#include <thread>

#include "core/error.h"

namespace lv {
namespace {

thread_local bool inside_parallel_for = false;

/// CPUs of the affinity mask, or fewer where a control group limits the process' share of time.
int usable_cpus() {
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : int(std::thread::hardware_concurrency());
  std::string quota;
  double period = 0;
  if (std::ifstream("/sys/fs/cgroup/cpu.max") >> quota >> period && quota != "max" && period > 0) {
    cpus = std::min(cpus, int(std::ceil(std::stod(quota) / period)));
  }
  return std::max(cpus, 1);
}

int default_num_threads() {
  const char* text = std::getenv("LV_NUM_THREADS");
  if (text == nullptr || *text == '\0') {
    return usable_cpus();
  }
  const std::string_view value(text);
  int n = 0;
  const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), n);
  LV_CHECK(status == std::errc() && end == value.data() + value.size() && n >= 1,
           "LV_NUM_THREADS must be a positive integer, got '{}'", value);
  return n;
}

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spinning bridges the gap between the ops of an eager step (microseconds); a longer gap puts the thread to sleep, so
// that an idle pool takes no time from other processes.
constexpr int kSpins = 1000;

/// Waits until `word` differs from `old`: spins shortly, then sleeps.
template <class T>
T wait_for_change(const std::atomic<T>& word, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (const T value = word.load(std::memory_order_acquire); value != old) {
      return value;
    }
    pause_cpu();
  }
  word.wait(old, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

/// One parallel_for: chunks are handed out in ascending order by a counter, so a thread that loses its CPU to another
/// process holds back one chunk only.
class Job {
 public:
  Job(int64_t count, detail::ChunkTask task) : count_(count), task_(task) {}

  void work() {
    inside_parallel_for = true;
    for (int64_t chunk = take(); chunk < count_; chunk = take()) {
      // Chunks below a failed one have all been handed out already: they still run and may replace the exception.
      if (chunk > lowest_failed_.load(std::memory_order_relaxed)) {
        break;
      }
      try {
        task_(chunk);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (chunk < lowest_failed_.load(std::memory_order_relaxed)) {
          lowest_failed_.store(chunk, std::memory_order_relaxed);
          failure_ = std::current_exception();
        }
      }
    }
    inside_parallel_for = false;
  }

  void rethrow() {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  int64_t take() { return next_.fetch_add(1, std::memory_order_relaxed); }

  std::atomic<int64_t> next_{0};
  const int64_t count_;
  const detail::ChunkTask task_;
  std::atomic<int64_t> lowest_failed_{std::numeric_limits<int64_t>::max()};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

/// Workers wait for a new epoch, enter the job through a gate and leave it through the same. The caller closes the gate
/// when the chunks are used up and nobody is inside: a worker that has not woken up yet is not waited for.
class Pool {
 public:
  explicit Pool(int threads) { start(threads); }
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] int size() const { return size_.load(std::memory_order_relaxed); }

  void resize(int threads) {
    const std::lock_guard lock(owner_);
    stop();
    start(threads);
  }

  void run(Job& job, int64_t chunks) {
    // A second thread that finds the pool taken does its job alone: the results are the same.
    const std::unique_lock lock(owner_, std::try_to_lock);
    if (!lock.owns_lock() || workers_.empty()) {
      job.work();
      return;
    }
    open(&job, std::min<int64_t>(chunks - 1, int64_t(workers_.size())));
    job.work();
    close();
  }

 private:
  static constexpr int kClosed = -1;

  void open(Job* job, int64_t helpers) {
    job_ = job;
    gate_.store(0, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    for (int64_t i = 0; i < helpers; ++i) {
      epoch_.notify_one();
    }
  }

  void close() {
    int inside = 0;
    while (!gate_.compare_exchange_weak(inside, kClosed, std::memory_order_acquire)) {
      if (inside != 0) {
        wait_for_change(gate_, inside);
        inside = 0;
      }
    }
  }

  bool enter() {
    int inside = gate_.load(std::memory_order_relaxed);
    while (inside != kClosed) {
      if (gate_.compare_exchange_weak(inside, inside + 1, std::memory_order_acquire)) {
        return true;
      }
    }
    return false;
  }

  void leave() {
    gate_.fetch_sub(1, std::memory_order_release);
    gate_.notify_one();
  }

  void worker(unsigned epoch) {
    while (true) {
      epoch = wait_for_change(epoch_, epoch);
      if (stopping_.load(std::memory_order_relaxed)) {
        return;
      }
      if (enter()) {
        job_->work();
        leave();
      }
    }
  }

  void start(int threads) {
    stopping_.store(false);
    size_.store(threads);
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back([this, epoch = epoch_.load()] { worker(epoch); });
    }
  }

  void stop() {
    stopping_.store(true);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    workers_.clear();
  }

  std::mutex owner_;
  std::vector<std::jthread> workers_;
  std::atomic<int> size_{0};
  std::atomic<bool> stopping_{false};
  Job* job_ = nullptr;
  alignas(64) std::atomic<unsigned> epoch_{0};
  alignas(64) std::atomic<int> gate_{kClosed};
};

Pool& pool() {
  static Pool instance(default_num_threads());
  return instance;
}

}  // namespace

int num_threads() { return pool().size(); }

void set_num_threads(int n) {
  LV_CHECK(n >= 1, "set_num_threads: wants at least 1 thread, got {}", n);
  LV_CHECK(!inside_parallel_for, "set_num_threads: called inside a parallel_for");
  if (n != num_threads()) {
    pool().resize(n);
  }
}

void detail::run_chunks(int64_t count, ChunkTask task) {
  if (inside_parallel_for) {
    for (int64_t chunk = 0; chunk < count; ++chunk) {
      task(chunk);
    }
    return;
  }
  Job job(count, task);
  pool().run(job, count);
  job.rethrow();
}

}  // namespace lv
