#include "apps/data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "apps/data/permutation.h"
#include "core/error.h"
#include "core/generator.h"

namespace lv::data {

namespace {

// Sample keys have the sample's index as offset; this one is nobody's index.
constexpr uint64_t kOrderOffset = ~uint64_t{0};

/// Row `row` of a batch's tensor.
void* row_of(const Tensor& stacked, int64_t row) {
  return static_cast<char*>(stacked.raw_data()) + row * (stacked.size_bytes() / stacked.size(0));
}

Tensor stacked_like(const Tensor& sample, int64_t rows, bool is_pinned) {
  Shape shape{rows};
  for (const int64_t size : sample.shape()) {
    shape.push_back(size);
  }
  return is_pinned ? Tensor::empty_pinned(shape, sample.dtype()) : Tensor::empty(shape, sample.dtype());
}

/// A batch in the making. Rows are filled by several threads; everything else is guarded by the loader's mutex.
struct Draft {
  LoaderPosition position;
  std::vector<int64_t> indices;
  TensorList tensors;  // made when the first sample is there
  size_t handed_out = 0;
  size_t finished = 0;
  std::vector<std::exception_ptr> errors;  // by row; IoError marks a bad sample

  [[nodiscard]] bool is_complete() const { return finished == indices.size(); }

  /// Makes the tensors for samples like this one, or checks that it is like those before.
  void admit(const TensorList& sample, bool is_pinned) {
    if (tensors.size() == 0) {
      for (const Tensor& tensor : sample) {
        tensors.push_back(stacked_like(tensor, int64_t(indices.size()), is_pinned));
      }
    }
    LV_CHECK_SHAPE(sample.size() == tensors.size(), "it gives {} tensors, another sample of its batch {}",
                   sample.size(), tensors.size());
    for (int i = 0; i < sample.size(); ++i) {
      const Tensor row = tensors[i].select(0, 0);
      LV_CHECK_SHAPE(sample[i].shape() == row.shape() && sample[i].dtype() == row.dtype(),
                     "tensor {} is {} {}, that of another sample of its batch {} {}", i, sample[i].dtype(),
                     sample[i].shape(), row.dtype(), row.shape());
    }
  }
};

/// The batch without its bad samples: the rows after one move up.
Batch without_bad_rows(Draft& draft) {
  int64_t kept = 0;
  for (size_t row = 0; row < draft.indices.size(); ++row) {
    if (draft.errors[row] != nullptr) {
      continue;
    }
    if (int64_t(row) != kept) {
      for (const Tensor& tensor : draft.tensors) {
        std::memcpy(row_of(tensor, kept), row_of(tensor, int64_t(row)), size_t(tensor.size_bytes() / tensor.size(0)));
      }
      draft.indices[size_t(kept)] = draft.indices[row];
    }
    ++kept;
  }
  draft.indices.resize(size_t(kept));
  Batch batch{draft.position, {}, std::move(draft.indices)};
  for (const Tensor& tensor : draft.tensors) {
    batch.tensors.push_back(tensor.slice(0, 0, kept));
  }
  return batch;
}

}  // namespace

class Loader::Impl {
 public:
  Impl(const SampleSource& source, const LoaderOptions& options, LoaderPosition begin, int64_t end_epoch)
      : source_(source), options_(options), size_(source.size()), upcoming_(begin), end_epoch_(end_epoch) {
    check_options();
    LV_CHECK(begin.epoch >= 0 && begin.batch >= 0 && begin.batch <= batches_per_epoch(),
             "loader: there is no batch {} in epoch {}, epochs have {} batches", begin.batch, begin.epoch,
             batches_per_epoch());
    if (begin.batch == batches_per_epoch()) {
      upcoming_ = {begin.epoch + 1, 0};
    }
    try {
      for (int i = 0; i < options.workers; ++i) {
        workers_.emplace_back([this] { work(); });
      }
    } catch (...) {  // the system may refuse a thread
      stop_and_join();
      throw;
    }
  }

  ~Impl() { stop_and_join(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] int64_t batches_per_epoch() const {
    return options_.drops_last ? size_ / options_.batch_size : (size_ + options_.batch_size - 1) / options_.batch_size;
  }

  std::optional<Batch> next() {
    while (std::unique_ptr<Draft> draft = finished_draft()) {
      take_errors(*draft);
      Batch batch = without_bad_rows(*draft);
      if (!batch.indices.empty()) {
        return batch;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] double wait_seconds() const { return wait_seconds_; }
  [[nodiscard]] const std::vector<BadSample>& bad_samples() const { return bad_samples_; }

 private:
  void check_options() const {
    LV_CHECK(size_ > 0, "loader: the data set is empty");
    LV_CHECK(options_.batch_size > 0, "loader: batch_size must be positive, got {}", options_.batch_size);
    LV_CHECK(options_.workers > 0, "loader: workers must be positive, got {}", options_.workers);
    LV_CHECK(options_.prefetch > 0, "loader: prefetch must be positive, got {}", options_.prefetch);
    LV_CHECK(options_.max_bad_share >= 0 && options_.max_bad_share <= 1,
             "loader: max_bad_share must be in [0, 1], got {}", options_.max_bad_share);
    LV_CHECK(batches_per_epoch() > 0, "loader: {} samples make no full batch of {}, and drops_last is set", size_,
             options_.batch_size);
  }

  // What the consumer does.

  /// Waits for the next batch, also for one without good samples; null after the last one.
  std::unique_ptr<Draft> finished_draft() {
    std::unique_lock lock(mutex_);
    if (is_stopping_) {
      return nullptr;
    }
    const auto is_ready = [this] { return drafts_.empty() ? !can_begin_draft() : drafts_.front()->is_complete(); };
    if (!is_ready()) {
      const auto start = std::chrono::steady_clock::now();
      draft_finished_.wait(lock, is_ready);
      wait_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    if (drafts_.empty()) {
      return nullptr;
    }
    std::unique_ptr<Draft> draft = std::move(drafts_.front());
    drafts_.pop_front();
    lock.unlock();
    work_appeared_.notify_all();
    return draft;
  }

  /// Lists the bad samples of a batch; throws when there are too many, or when something else went wrong.
  void take_errors(const Draft& draft) {
    for (size_t row = 0; row < draft.indices.size(); ++row) {
      if (draft.errors[row] == nullptr) {
        continue;
      }
      try {
        std::rethrow_exception(draft.errors[row]);
      } catch (const IoError& error) {
        add_bad_sample(draft.indices[row], error.what());
      } catch (...) {
        stop();
        throw;
      }
    }
  }

  void add_bad_sample(int64_t index, const std::string& reason) {
    if (!bad_indices_.insert(index).second) {
      return;
    }
    bad_samples_.push_back({index, reason});
    if (double(bad_samples_.size()) > options_.max_bad_share * double(size_)) {
      stop();
      fail<IoError>("loader: {} of {} samples cannot be read, more than the allowed share of {}; the last one: {}",
                    bad_samples_.size(), size_, options_.max_bad_share, reason);
    }
  }

  /// No batches from here on.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    work_appeared_.notify_all();
  }

  void stop_and_join() {
    stop();
    for (std::thread& worker : workers_) {
      worker.join();
    }
  }

  // What the workers do.

  struct Ticket {
    Draft* draft;
    size_t row;
  };

  void work() {
    while (const std::optional<Ticket> ticket = next_ticket()) {
      std::exception_ptr error;
      try {
        fill(*ticket);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      ticket->draft->errors[ticket->row] = std::move(error);  // the consumer alone lets go of it
      ++ticket->draft->finished;
      if (ticket->draft->is_complete()) {
        draft_finished_.notify_one();
      }
    }
  }

  /// The next sample to make: they are handed out in order, so that all workers join in the batch wanted first.
  std::optional<Ticket> next_ticket() {
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
      for (const std::unique_ptr<Draft>& draft : drafts_) {
        if (draft->handed_out < draft->indices.size()) {
          return Ticket{draft.get(), draft->handed_out++};
        }
      }
      if (can_begin_draft() && int64_t(drafts_.size()) < options_.prefetch) {
        drafts_.push_back(begin_draft());
      } else {
        work_appeared_.wait(lock);
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] bool can_begin_draft() const { return upcoming_.epoch < end_epoch_; }

  std::unique_ptr<Draft> begin_draft() {
    auto draft = std::make_unique<Draft>();
    draft->position = upcoming_;
    const int64_t first = upcoming_.batch * options_.batch_size;
    const int64_t last = std::min(first + options_.batch_size, size_);
    const PhiloxKey order{derive_seed(options_.seed, uint64_t(upcoming_.epoch)), kOrderOffset};
    for (int64_t i = first; i < last; ++i) {
      draft->indices.push_back(options_.is_shuffled ? permuted(order, size_, i) : i);
    }
    draft->errors.resize(draft->indices.size());
    if (++upcoming_.batch == batches_per_epoch()) {
      upcoming_ = {upcoming_.epoch + 1, 0};
    }
    return draft;
  }

  void fill(const Ticket& ticket) {
    Draft& draft = *ticket.draft;
    const int64_t index = draft.indices[ticket.row];
    const PhiloxKey key{derive_seed(options_.seed, uint64_t(draft.position.epoch)), uint64_t(index)};
    const TensorList sample = source_.sample(index, key);
    try {
      const std::lock_guard lock(mutex_);
      draft.admit(sample, options_.is_pinned);
    } catch (const ShapeError& error) {
      fail<ShapeError>("loader: {}: {}", source_.name(index), error.what());
    }
    for (int i = 0; i < sample.size(); ++i) {
      const Tensor row_major = sample[i].contiguous();
      std::memcpy(row_of(draft.tensors[i], int64_t(ticket.row)), row_major.raw_data(), size_t(row_major.size_bytes()));
    }
  }

  const SampleSource& source_;
  const LoaderOptions options_;
  const int64_t size_;

  std::mutex mutex_;  // guards what follows up to workers_
  std::condition_variable work_appeared_;
  std::condition_variable draft_finished_;
  std::deque<std::unique_ptr<Draft>> drafts_;  // in order of their positions
  LoaderPosition upcoming_;                    // of the next draft
  const int64_t end_epoch_;
  bool is_stopping_ = false;

  double wait_seconds_ = 0;
  std::vector<BadSample> bad_samples_;
  std::unordered_set<int64_t> bad_indices_;
  std::vector<std::thread> workers_;
};

Loader::Loader(const SampleSource& source, const LoaderOptions& options, LoaderPosition begin, int64_t end_epoch)
    : impl_(std::make_unique<Impl>(source, options, begin, end_epoch)) {}

Loader::~Loader() = default;

std::optional<Batch> Loader::next() { return impl_->next(); }
int64_t Loader::batches_per_epoch() const { return impl_->batches_per_epoch(); }
double Loader::wait_seconds() const { return impl_->wait_seconds(); }
const std::vector<BadSample>& Loader::bad_samples() const { return impl_->bad_samples(); }

}  // namespace lv::data
