#include "core/parallel.h"

#include <sched.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
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

/// A run of chunks that are handed out in ascending order.
struct alignas(64) Part {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

/// One parallel_for, in a part a thread. A thread begins with the part of its own, which is the same one in every job
/// of as many chunks: what one op leaves in a core's caches is there when the next op reads it. Then it takes what the
/// others have left, so that a thread that loses its CPU to another process holds back one chunk only.
class Job {
 public:
  Job(std::span<Part> parts, int64_t chunks, detail::ChunkTask task) : parts_(parts), task_(task) {
    const auto count = int64_t(parts.size());
    for (int64_t i = 0; i < count; ++i) {
      const int64_t begin = i * (chunks / count) + std::min(i, chunks % count);
      parts[size_t(i)].next.store(begin, std::memory_order_relaxed);
      parts[size_t(i)].end = begin + chunks / count + (i < chunks % count ? 1 : 0);
    }
  }

  void work(size_t thread) {
    inside_parallel_for = true;
    for (size_t i = 0; i < parts_.size(); ++i) {
      drain(parts_[(thread + i) % parts_.size()]);
    }
    inside_parallel_for = false;
  }

  void rethrow() {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  void drain(Part& part) {
    const auto take = [&] { return part.next.fetch_add(1, std::memory_order_relaxed); };
    for (int64_t chunk = take(); chunk < part.end; chunk = take()) {
      // Chunks below a failed one still run, in this part or another, and may replace the exception.
      if (chunk > lowest_failed_.load(std::memory_order_relaxed)) {
        return;
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
  }

  const std::span<Part> parts_;
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

  void run(int64_t chunks, detail::ChunkTask task) {
    // A second thread that finds the pool taken does its job alone: the results are the same.
    const std::unique_lock lock(owner_, std::try_to_lock);
    if (!lock.owns_lock() || workers_.empty()) {
      Part whole;
      Job job({&whole, 1}, chunks, task);
      job.work(0);
      job.rethrow();
      return;
    }
    const size_t parts = std::min(size_t(chunks), workers_.size() + 1);
    Job job({parts_.get(), parts}, chunks, task);
    open(&job, parts - 1);
    job.work(0);
    close();
    job.rethrow();
  }

 private:
  static constexpr int kClosed = -1;

  void open(Job* job, size_t helpers) {
    job_ = job;
    gate_.store(0, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    for (size_t i = 0; i < helpers; ++i) {
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

  void worker(size_t thread, unsigned epoch) {
    while (true) {
      epoch = wait_for_change(epoch_, epoch);
      if (stopping_.load(std::memory_order_relaxed)) {
        return;
      }
      if (enter()) {
        job_->work(thread);
        leave();
      }
    }
  }

  void start(int threads) {
    stopping_.store(false);
    size_.store(threads);
    parts_ = std::make_unique<Part[]>(size_t(threads));
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back([this, i, epoch = epoch_.load()] { worker(size_t(i), epoch); });
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
  std::unique_ptr<Part[]> parts_;  // of the running job, one a thread
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
  pool().run(count, task);
}

}  // namespace lv
