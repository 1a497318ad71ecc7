#include "apps/data/loader.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "core/error.h"

using namespace lv;
using Catch::Contains;
using data::Batch;
using data::Loader;
using data::LoaderOptions;
using data::LoaderPosition;

namespace {

/// Samples of three random numbers and a label, some of them faulty on purpose.
class Numbers : public data::SampleSource {
 public:
  explicit Numbers(int64_t size) : size_(size) {}

  [[nodiscard]] int64_t size() const override { return size_; }
  [[nodiscard]] TensorList sample(int64_t index, PhiloxKey key) const override {
    if (unreadable.contains(index)) {
      fail<IoError>("{}: broken", name(index));
    }
    if (index == crashing) {
      throw std::logic_error("a fault in the program");
    }
    std::vector<float> values(index == oversized ? 4 : 3);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = random_uniform(key, int64_t(i));
    }
    return {Tensor::from(values, {int64_t(values.size())}), Tensor::from<int64_t>({index * 10}, {})};
  }
  [[nodiscard]] std::string name(int64_t index) const override { return fmt::format("number {}", index); }

  std::set<int64_t> unreadable;
  int64_t crashing = -1;
  int64_t oversized = -1;

 private:
  int64_t size_;
};

/// What a run delivers, in a form that compares.
struct Delivered {
  LoaderPosition position;
  std::vector<int64_t> indices;
  std::vector<float> values;
  std::vector<int64_t> labels;

  bool operator==(const Delivered&) const = default;
};

std::vector<Delivered> deliver(const Numbers& numbers, const LoaderOptions& options, LoaderPosition begin,
                               int64_t end_epoch) {
  std::vector<Delivered> all;
  Loader loader(numbers, options, begin, end_epoch);
  while (const std::optional<Batch> batch = loader.next()) {
    REQUIRE(batch->tensors.size() == 2);
    REQUIRE(batch->tensors[0].shape() == Shape{int64_t(batch->indices.size()), 3});
    REQUIRE(batch->tensors[1].shape() == Shape{int64_t(batch->indices.size())});
    all.push_back({batch->position, batch->indices, batch->tensors[0].to_vector<float>(),
                   batch->tensors[1].to_vector<int64_t>()});
  }
  return all;
}

Batch next_of(Loader& loader) {
  std::optional<Batch> batch = loader.next();
  return batch ? std::move(*batch) : throw std::logic_error("there is no further batch");
}

}  // namespace

TEST_CASE("loader: every epoch holds every sample once, in an order of its own") {
  const Numbers numbers(23);
  const auto batches = deliver(numbers, {.batch_size = 5, .seed = 4}, {}, 3);
  REQUIRE(batches.size() == 15);
  std::map<int64_t, std::vector<int64_t>> by_epoch;
  for (size_t i = 0; i < batches.size(); ++i) {
    CHECK(batches[i].position == LoaderPosition{int64_t(i) / 5, int64_t(i) % 5});
    CHECK(batches[i].indices.size() == (i % 5 == 4 ? 3 : 5));
    for (size_t row = 0; row < batches[i].indices.size(); ++row) {
      CHECK(batches[i].labels[row] == batches[i].indices[row] * 10);
      by_epoch[batches[i].position.epoch].push_back(batches[i].indices[row]);
    }
  }
  CHECK(by_epoch[0] != by_epoch[1]);
  CHECK(by_epoch[1] != by_epoch[2]);
  for (auto& [epoch, order] : by_epoch) {
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < 23; ++i) {
      CHECK(order[size_t(i)] == i);
    }
  }
}

TEST_CASE("loader: batches do not depend on workers, prefetch or where the run began") {
  const Numbers numbers(50);
  const auto whole = deliver(numbers, {.batch_size = 7, .seed = 9, .workers = 1, .prefetch = 1}, {}, 3);
  CHECK(whole == deliver(numbers, {.batch_size = 7, .seed = 9, .workers = 4, .prefetch = 5}, {}, 3));
  CHECK(whole != deliver(numbers, {.batch_size = 7, .seed = 10}, {}, 3));
  for (const size_t from : {1, 8, 15, 24}) {
    const LoaderPosition begin{int64_t(from) / 8, int64_t(from) % 8};
    CHECK(std::vector(whole.begin() + int64_t(from), whole.end()) ==
          deliver(numbers, {.batch_size = 7, .seed = 9}, begin, 3));
  }
  // The position after an epoch's last batch is the next epoch's begin.
  CHECK(deliver(numbers, {.batch_size = 7, .seed = 9}, {0, 8}, 3) ==
        deliver(numbers, {.batch_size = 7, .seed = 9}, {1, 0}, 3));
}

TEST_CASE("loader: a sample's random numbers depend on seed, epoch and index, not on its place in the epoch") {
  const Numbers numbers(12);
  const auto values_by_sample = [&](const LoaderOptions& options) {
    std::map<std::pair<int64_t, int64_t>, std::vector<float>> values;
    for (const Delivered& batch : deliver(numbers, options, {}, 2)) {
      for (size_t row = 0; row < batch.indices.size(); ++row) {
        values[{batch.position.epoch, batch.indices[row]}] = {batch.values.begin() + int64_t(row) * 3,
                                                              batch.values.begin() + int64_t(row) * 3 + 3};
      }
    }
    return values;
  };
  const auto values = values_by_sample({.batch_size = 5, .seed = 1});
  CHECK(values == values_by_sample({.batch_size = 4, .is_shuffled = false, .seed = 1}));
  std::set<std::vector<float>> different;
  for (const auto& entry : values) {
    different.insert(entry.second);
  }
  CHECK(different.size() == 24);
}

TEST_CASE("loader: without shuffling samples come in order, and a last batch can be left out") {
  const auto batches = deliver(Numbers(8), {.batch_size = 3, .is_shuffled = false, .drops_last = true}, {}, 1);
  REQUIRE(batches.size() == 2);
  CHECK(batches[0].indices == std::vector<int64_t>{0, 1, 2});
  CHECK(batches[1].indices == std::vector<int64_t>{3, 4, 5});
}

TEST_CASE("loader: unreadable samples are left out, listed once, and nothing else changes") {
  Numbers numbers(20);
  const LoaderOptions options{.batch_size = 4, .seed = 2, .workers = 3, .max_bad_share = 0.2};
  const auto good = deliver(numbers, options, {}, 2);
  // A whole batch and one sample more.
  numbers.unreadable = {good[1].indices.begin(), good[1].indices.end()};
  Loader loader(numbers, options, {}, 1);
  std::vector<LoaderPosition> positions;
  while (const std::optional<Batch> batch = loader.next()) {
    positions.push_back(batch->position);
  }
  CHECK(positions == std::vector<LoaderPosition>{{0, 0}, {0, 2}, {0, 3}, {0, 4}});

  numbers.unreadable = {3, 17};
  std::vector<Delivered> wanted = good;
  for (Delivered& batch : wanted) {
    for (size_t row = batch.indices.size(); row-- > 0;) {
      if (numbers.unreadable.contains(batch.indices[row])) {
        batch.indices.erase(batch.indices.begin() + int64_t(row));
        batch.labels.erase(batch.labels.begin() + int64_t(row));
        batch.values.erase(batch.values.begin() + int64_t(row) * 3, batch.values.begin() + int64_t(row) * 3 + 3);
      }
    }
  }
  CHECK(deliver(numbers, options, {}, 2) == wanted);

  Loader listing(numbers, options, {}, 2);
  while (listing.next()) {}
  REQUIRE(listing.bad_samples().size() == 2);
  for (const data::BadSample& bad : listing.bad_samples()) {
    CHECK(numbers.unreadable.contains(bad.index));
    CHECK(bad.reason == fmt::format("number {}: broken", bad.index));
  }
}

TEST_CASE("loader: more unreadable samples than allowed stop the run") {
  Numbers numbers(20);
  numbers.unreadable = {5, 6, 7};
  Loader loader(numbers, {.batch_size = 4, .is_shuffled = false, .max_bad_share = 0.1}, {}, 2);
  CHECK(next_of(loader).indices == std::vector<int64_t>{0, 1, 2, 3});
  CHECK_THROWS_WITH(loader.next(), Contains("3 of 20") && Contains("0.1") && Contains("number 7: broken"));
  CHECK_FALSE(loader.next().has_value());
  CHECK(loader.bad_samples().size() == 3);
}

TEST_CASE("loader: another error reaches the consumer where its batch is due") {
  Numbers numbers(20);
  numbers.crashing = 9;
  Loader loader(numbers, {.batch_size = 4, .is_shuffled = false, .workers = 3, .prefetch = 4}, {}, 2);
  CHECK(next_of(loader).position == LoaderPosition{0, 0});
  CHECK(next_of(loader).position == LoaderPosition{0, 1});
  CHECK_THROWS_WITH(loader.next(), "a fault in the program");
  CHECK_FALSE(loader.next().has_value());
}

TEST_CASE("loader: samples of different shapes are refused by name") {
  Numbers numbers(6);
  numbers.oversized = 5;
  Loader loader(numbers, {.batch_size = 6, .is_shuffled = false, .workers = 1});
  CHECK_THROWS_WITH(loader.next(), Contains("number 5") && Contains("[4]") && Contains("[3]"));
}

TEST_CASE("loader: options and positions are checked") {
  const Numbers numbers(10);
  CHECK_THROWS_WITH(Loader(Numbers(0), {}), Contains("empty"));
  CHECK_THROWS_WITH(Loader(numbers, {.batch_size = 0}), Contains("batch_size"));
  CHECK_THROWS_WITH(Loader(numbers, {.workers = 0}), Contains("workers"));
  CHECK_THROWS_WITH(Loader(numbers, {.prefetch = 0}), Contains("prefetch"));
  CHECK_THROWS_WITH(Loader(numbers, {.max_bad_share = 1.5}), Contains("max_bad_share"));
  CHECK_THROWS_WITH(Loader(numbers, {.batch_size = 11, .drops_last = true}), Contains("full batch"));
  CHECK_THROWS_WITH(Loader(numbers, {.batch_size = 5}, {0, 3}), Contains("batch 3") && Contains("2 batches"));
  CHECK(Loader(numbers, {.batch_size = 4}).batches_per_epoch() == 3);
}

namespace {

/// Samples that are held back until the gate opens.
class Gated final : public Numbers {
 public:
  using Numbers::Numbers;
  [[nodiscard]] TensorList sample(int64_t index, PhiloxKey key) const override {
    ++begun;
    gate.wait();
    return Numbers::sample(index, key);
  }
  mutable std::atomic<int> begun = 0;
  mutable std::latch gate{1};
};

}  // namespace

TEST_CASE("loader: batches are made ahead, no further than asked, and left behind at the end") {
  const Gated gated(100);
  {
    Loader loader(gated, {.batch_size = 2, .workers = 3, .prefetch = 2}, {}, 5);
    while (gated.begun < 3) {  // each worker holds a sample, though nobody has asked for a batch
      std::this_thread::yield();
    }
    gated.gate.count_down();
  }
  CHECK(gated.begun <= 4);
}

TEST_CASE("loader: waiting for batches is measured") {
  const Numbers numbers(1000);
  Loader loader(numbers, {.batch_size = 10, .workers = 1, .prefetch = 1}, {}, 1);
  CHECK(loader.wait_seconds() == 0);
  while (loader.next()) {}
  CHECK(loader.wait_seconds() > 0);
}
