#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/philox.h"
#include "core/tensor.h"

namespace lv::data {

/// What a loader draws samples from. Asked from several threads at once.
class SampleSource {
 public:
  virtual ~SampleSource() = default;

  [[nodiscard]] virtual int64_t size() const = 0;
  /// The tensors of sample `index`, picture first, on the CPU; those of one batch agree in shape and dtype. Random
  /// choices are drawn from `key`. IoError stands for a sample that cannot be read, anything else stops the loader.
  [[nodiscard]] virtual TensorList sample(int64_t index, PhiloxKey key) const = 0;
  /// What to call a sample in messages.
  [[nodiscard]] virtual std::string name(int64_t index) const = 0;

 protected:
  SampleSource() = default;
  SampleSource(const SampleSource&) = default;
  SampleSource& operator=(const SampleSource&) = default;
};

struct LoaderOptions {
  int64_t batch_size = 32;
  bool is_shuffled = true;  // by a permutation that depends on the seed and the epoch
  bool drops_last = false;  // leaves out an epoch's last batch when it is not full
  uint64_t seed = 0;
  int workers = 2;              // threads
  int64_t prefetch = 2;         // batches made ahead of the consumer, at least 1
  double max_bad_share = 0.01;  // of the source's samples; more unreadable ones than that stop the loader
  bool is_pinned = false;       // page-locked batches, for asynchronous copies to a device
};

/// A batch of an epoch; epochs and batches count from 0.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t batch = 0;

  constexpr bool operator==(const LoaderPosition&) const = default;
};

struct Batch {
  LoaderPosition position;
  TensorList tensors;            // the samples' tensors, stacked along a new first axis
  std::vector<int64_t> indices;  // of the samples, in order
};

struct BadSample {
  int64_t index;
  std::string reason;  // names the file
};

/// Makes batches on worker threads and hands them out in order. A sample depends on the seed, its epoch and its index
/// alone, a batch on its position besides: neither on the number of workers nor on where the run began.
///
/// Unreadable samples are left out of their batch (a batch of nothing else is passed over), and listed.
class Loader {
 public:
  /// Batches from `begin` on, up to the epoch `end_epoch`. `source` must outlive the loader. Throws Error for an empty
  /// source, for options out of range and for a position beyond its epoch.
  Loader(const SampleSource& source, const LoaderOptions& options, LoaderPosition begin = {},
         int64_t end_epoch = std::numeric_limits<int64_t>::max());
  /// Stops the workers; waits for the samples that they are at.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch; none after the last epoch. Rethrows what a source threw other than IoError, and throws IoError
  /// when more samples than allowed turned out bad; after that there are no further batches.
  std::optional<Batch> next();

  [[nodiscard]] int64_t batches_per_epoch() const;
  /// Seconds that next() has waited for a batch since the start.
  [[nodiscard]] double wait_seconds() const;
  /// Every unreadable sample of the batches handed out, once each, in order of appearance.
  [[nodiscard]] const std::vector<BadSample>& bad_samples() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lv::data
