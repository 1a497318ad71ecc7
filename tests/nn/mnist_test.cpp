// A small network learns real digits: the whole path from data to a trained model, and its bits.

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "apps/data/digit_bank.h"
#include "autograd/grad_mode.h"
#include "core/generator.h"
#include "core/parallel.h"
#include "nn/containers.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/state_dict.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/losses.h"
#include "ops/shape.h"
#include "ops/sort.h"
#include "optim/sgd.h"

using namespace lv;

namespace {

constexpr int64_t kBatch = 50;

class DigitNet final : public nn::Module {
 public:
  DigitNet() {
    add("conv1", conv1_);
    add("bn1", bn1_);
    add("conv2", conv2_);
    add("bn2", bn2_);
    add("fc", fc_);
  }
  /// images: [N, 28, 28, 1] -> logits [N, 10]
  Tensor forward(const Tensor& images) {
    const ops::MaxPool2dOptions halve{.kernel = {2, 2}};
    Tensor x = ops::max_pool2d(bn1_.forward_relu(conv1_.forward(images)), halve);
    x = ops::max_pool2d(bn2_.forward_relu(conv2_.forward(x)), halve);
    return fc_.forward(ops::flatten(x, 1));
  }

 private:
  static constexpr nn::Conv2dOptions kSame{.conv = {.padding = {1, 1}}, .has_bias = false};
  nn::Conv2d conv1_{1, 8, {3, 3}, kSame};
  nn::BatchNorm bn1_{8};
  nn::Conv2d conv2_{8, 16, {3, 3}, kSame};
  nn::BatchNorm bn2_{16};
  nn::Linear fc_{7 * 7 * 16, 10};
};

struct Digits {
  Tensor images;  // [N, 28, 28, 1], 0 to 1
  Tensor labels;  // [N], i64
};

/// The first digits of each class.
Digits load(data::Split split, int per_class) {
  const data::DigitBank& bank = data::DigitBank::of(split);
  std::vector<float> pixels;
  std::vector<int64_t> labels;
  std::array<int, 10> counts{};
  for (int64_t i = 0; i < bank.size(); ++i) {
    if (++counts[size_t(bank.label(i))] <= per_class) {
      labels.push_back(bank.label(i));
      for (const uint8_t grey : bank.pixels(i)) {
        pixels.push_back(float(grey) / 255);
      }
    }
  }
  const auto count = int64_t(labels.size());
  return {Tensor::from(pixels, {count, 28, 28, 1}), Tensor::from(labels, {count})};
}

Digits training_digits() { return load(data::Split::train, 150); }
Digits test_digits() { return load(data::Split::held_out, 50); }

/// The samples of one step: a shuffle of the epoch that depends on its number only.
Tensor batch_indices(int64_t step, int64_t count) {
  const int64_t per_epoch = count / kBatch;
  const PhiloxKey key{uint64_t(step / per_epoch), 99};
  std::vector<float> order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    order[size_t(i)] = random_uniform(key, i);
  }
  const Tensor shuffled = ops::argsort(Tensor::from(order, {count}));
  return shuffled.slice(0, step % per_epoch * kBatch, (step % per_epoch + 1) * kBatch).contiguous();
}

void train(DigitNet& net, optim::Sgd& optimizer, const Digits& digits, int64_t from, int64_t to) {
  for (int64_t step = from; step < to; ++step) {
    const Tensor index = batch_indices(step, digits.labels.numel());
    const Tensor logits = net.forward(ops::index_select(digits.images, 0, index));
    const Tensor loss = ops::cross_entropy(logits, ops::index_select(digits.labels, 0, index));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
}

double accuracy(DigitNet& net, const Digits& digits) {
  const autograd::NoGradGuard no_grad;
  net.eval();
  const std::vector<float> logits = net.forward(digits.images).to_vector<float>();
  const std::vector<int64_t> labels = digits.labels.to_vector<int64_t>();
  net.train();
  int right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.begin() + int64_t(i) * 10;
    right += int(std::max_element(row, row + 10) - row == labels[i]);
  }
  return double(right) / double(labels.size());
}

optim::TrainedParameters parameters_of(const nn::Module& module) {
  optim::TrainedParameters result;
  for (const NamedTensor& parameter : module.named_parameters()) {
    result.push_back({parameter.name, parameter.tensor});
  }
  return result;
}

struct Run {
  Run() {
    manual_seed(3);
    net = std::make_unique<DigitNet>();
    optimizer = std::make_unique<optim::Sgd>(parameters_of(*net),
                                             optim::SgdOptions{.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-3});
  }
  std::unique_ptr<DigitNet> net;
  std::unique_ptr<optim::Sgd> optimizer;
};

void check_equal_bits(const nn::Module& a, const nn::Module& b) {
  const auto first = a.state_dict();
  const auto second = b.state_dict();
  for (size_t i = 0; i < first.size(); ++i) {
    const Tensor x = first[i].tensor.contiguous();
    const Tensor y = second[i].tensor.contiguous();
    INFO(first[i].name);
    CHECK(std::memcmp(x.raw_data(), y.raw_data(), size_t(x.size_bytes())) == 0);
  }
}

}  // namespace

TEST_CASE("a small network learns to read digits") {
  const Digits digits = training_digits();
  Run run;
  train(*run.net, *run.optimizer, digits, 0, 300);
  CHECK(accuracy(*run.net, test_digits()) > 0.95);
}

TEST_CASE("training gives the same bits on any number of threads") {
  const Digits digits = training_digits();
  const int before = num_threads();
  std::vector<std::unique_ptr<Run>> runs;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    runs.push_back(std::make_unique<Run>());
    train(*runs.back()->net, *runs.back()->optimizer, digits, 0, 5);
  }
  set_num_threads(before);
  check_equal_bits(*runs[0]->net, *runs[1]->net);
  check_equal_bits(*runs[0]->net, *runs[2]->net);
}

TEST_CASE("training goes on from a saved state with the same bits") {
  const Digits digits = training_digits();
  Run whole;
  train(*whole.net, *whole.optimizer, digits, 0, 6);
  Run first;
  train(*first.net, *first.optimizer, digits, 0, 3);
  State state;
  first.optimizer->save(StateWriter(state));
  Run second;
  nn::copy_state(*first.net, *second.net);
  second.optimizer->load(StateReader(state));
  train(*second.net, *second.optimizer, digits, 3, 6);
  check_equal_bits(*whole.net, *second.net);
}
