// What batch norm does beyond a formula: buffers, groups, several processes, checkpoints, dtypes, layouts.

#include <algorithm>
#include <barrier>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <thread>

#include "autograd/checkpoint.h"
#include "autograd/engine.h"
#include "autograd/registry.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/norm.h"
#include "ops/shape.h"
#include "tests/ops/devices.h"

using namespace lv;
using namespace lv::ops;
using Catch::Contains;

namespace {

/// Values in [-1, 1] + offset that differ with `seed`.
Tensor values(const Shape& shape, int seed, DType dtype = DType::f64, double offset = 0) {
  std::vector<double> numbers(size_t(numel(shape)));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = offset + std::sin(double(i * 37 + size_t(seed) * 101) * 0.7) * std::cos(double(i * i % 97));
  }
  return Tensor::from(numbers, shape).to(dtype);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = a.to(Device::cpu()).to(DType::f64).to_vector<double>();
  const auto y = b.to(Device::cpu()).to(DType::f64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double distance = std::abs(x[i] - y[i]);
    worst = distance <= worst ? worst : distance;
  }
  return worst;
}

bool same_bits(const Tensor& a, const Tensor& b) { return a.to_vector<double>() == b.to_vector<double>(); }

/// A layer's state and one step on it.
struct Layer {
  explicit Layer(int64_t channels)
      : weight(values({channels}, 1, DType::f64, 1.5)),
        bias(values({channels}, 2)),
        running_mean(Tensor::zeros({channels}, DType::f64)),
        running_var(Tensor::full({channels}, 1.0, DType::f64)) {
    weight.set_requires_grad();
    bias.set_requires_grad();
  }
  [[nodiscard]] Tensor forward(const Tensor& x, const BatchNormOptions& options, const Tensor& residual = {}) const {
    return batch_norm(x, weight, bias, running_mean, running_var, options, residual);
  }

  Tensor weight;
  Tensor bias;
  Tensor running_mean;
  Tensor running_var;
};

/// The processes of a group as threads of one.
struct Meeting {
  explicit Meeting(int count) : barrier(count), tables(size_t(count)) {}

  std::barrier<> barrier;
  std::vector<Tensor> tables;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return int(meeting_.tables.size()); }
  void all_reduce_sum(const Tensor& tensor) override {
    ++calls;
    meeting_.tables[size_t(rank_)] = tensor.clone();
    meeting_.barrier.arrive_and_wait();
    double* sum = tensor.data<double>();
    std::fill_n(sum, tensor.numel(), 0.0);
    for (const Tensor& table : meeting_.tables) {
      std::transform(sum, sum + tensor.numel(), table.data<double>(), sum, std::plus<>());
    }
    meeting_.barrier.arrive_and_wait();
  }

  int calls = 0;

 private:
  Meeting& meeting_;
  int rank_;
};

/// What a step leaves behind.
struct Step {
  Tensor y;
  std::vector<Tensor> grads;  // x, weight, bias
};

Step step(const Layer& layer, const Tensor& x, const Tensor& cotangent, const BatchNormOptions& options) {
  const Tensor input = x.detach().set_requires_grad();
  const Tensor y = layer.forward(input, options);
  const std::vector<Tensor> outputs{y};
  const std::vector<Tensor> leaves{input, layer.weight, layer.bias};
  const std::vector<Tensor> seeds{cotangent};
  return {y.detach(), autograd::grad(outputs, leaves, seeds)};
}

}  // namespace

TEST_CASE("batch norm over two processes is batch norm over their joint batch") {
  const Tensor x = values({6, 3, 2, 5}, 3, DType::f64, 40);
  const Tensor cotangent = values(x.shape(), 4);
  const Layer whole(5);
  const Step wanted = step(whole, x, cotangent, {.relu = true});

  // Shares of different size, so that counts matter.
  const std::vector<std::pair<int64_t, int64_t>> shares{{0, 2}, {2, 6}};
  Meeting meeting(2);
  std::vector<Layer> layers{Layer(5), Layer(5)};
  std::vector<Step> steps(2);
  std::vector<std::thread> ranks;
  for (size_t rank = 0; rank < 2; ++rank) {
    ranks.emplace_back([&, rank] {
      ThreadCommunicator communicator(meeting, int(rank));
      const auto share = [&](const Tensor& t) { return t.slice(0, shares[rank].first, shares[rank].second); };
      steps[rank] = step(layers[rank], share(x), share(cotangent), {.relu = true, .communicator = &communicator});
    });
  }
  for (std::thread& rank : ranks) {
    rank.join();
  }
  const auto joined = [&](const Tensor& a, const Tensor& b) { return concat(std::vector<Tensor>{a, b}); };
  CHECK(largest_difference(joined(steps[0].y, steps[1].y), wanted.y) < 1e-10);
  CHECK(largest_difference(joined(steps[0].grads[0], steps[1].grads[0]), wanted.grads[0]) < 1e-10);
  for (const size_t parameter : {1, 2}) {
    const Tensor sum = steps[0].grads[parameter] + steps[1].grads[parameter];
    CHECK(largest_difference(sum, wanted.grads[parameter]) < 1e-10);
  }
  for (const Layer& layer : layers) {
    CHECK(largest_difference(layer.running_mean, whole.running_mean) < 1e-10);
    CHECK(largest_difference(layer.running_var, whole.running_var) < 1e-10);
  }
}

TEST_CASE("a checkpointed batch norm joins no collective again and moves its buffers once") {
  const Tensor x = values({4, 3, 7}, 5);
  const Tensor cotangent = values(x.shape(), 6);
  const Layer plain(7);
  const Step wanted = step(plain, x, cotangent, {});

  // A group of two in which the other rank sees the same batch: the joint statistics are the batch's.
  Meeting meeting(2);
  std::vector<Layer> layers{Layer(7), Layer(7)};
  std::vector<Step> steps(2);
  std::vector<int> calls(2);
  std::vector<std::thread> ranks;
  for (size_t rank = 0; rank < 2; ++rank) {
    ranks.emplace_back([&, rank] {
      ThreadCommunicator communicator(meeting, int(rank));
      const Layer& layer = layers[rank];
      const Tensor input = x.clone().set_requires_grad();
      const std::vector<Tensor> inputs{input};
      const Tensor y = autograd::checkpoint(
          [&](std::span<const Tensor> in) -> TensorList {
            return {layer.forward(in[0], {.communicator = &communicator})};
          },
          inputs)[0];
      const std::vector<Tensor> outputs{y};
      const std::vector<Tensor> leaves{input, layer.weight, layer.bias};
      const std::vector<Tensor> seeds{cotangent};
      steps[rank] = {y.detach(), autograd::grad(outputs, leaves, seeds)};
      calls[rank] = communicator.calls;
    });
  }
  for (std::thread& rank : ranks) {
    rank.join();
  }
  for (size_t rank = 0; rank < 2; ++rank) {
    CHECK(calls[rank] == 2);  // moments in the first run, sums in backward
    CHECK(largest_difference(steps[rank].y, wanted.y) < 1e-13);
    for (size_t i = 0; i < 3; ++i) {
      CHECK(largest_difference(steps[rank].grads[i], wanted.grads[i]) < 1e-12);
    }
    CHECK(largest_difference(layers[rank].running_mean, plain.running_mean) < 1e-13);
  }
}

TEST_CASE("a checkpointed batch norm gives the bits of a plain one") {
  const Tensor x = values({5, 11, 6}, 7);
  const Tensor cotangent = values(x.shape(), 8);
  const Layer plain(6);
  const Layer checkpointed(6);
  const Step wanted = step(plain, x, cotangent, {.relu = true});
  const Tensor input = x.clone().set_requires_grad();
  const std::vector<Tensor> inputs{input};
  const Tensor y = autograd::checkpoint(
      [&](std::span<const Tensor> in) -> TensorList { return {checkpointed.forward(in[0], {.relu = true})}; },
      inputs)[0];
  y.backward(cotangent);
  CHECK(same_bits(input.grad(), wanted.grads[0]));
  CHECK(same_bits(checkpointed.weight.grad(), wanted.grads[1]));
  CHECK(same_bits(checkpointed.running_mean, plain.running_mean));
  CHECK(same_bits(checkpointed.running_var, plain.running_var));
}

TEST_CASE("groups of a batch are normalised as batches of their own") {
  const Tensor x = values({6, 2, 4}, 9);
  const Tensor cotangent = values(x.shape(), 10);
  const Layer grouped(4);
  const Step found = step(grouped, x, cotangent, {.momentum = 1.0, .stat_groups = 3});
  Tensor mean_sum = Tensor::zeros({4}, DType::f64);
  Tensor var_sum = Tensor::zeros({4}, DType::f64);
  for (int64_t group = 0; group < 3; ++group) {
    const Layer single(4);
    const auto share = [&](const Tensor& t) { return t.slice(0, 2 * group, 2 * group + 2); };
    const Step wanted = step(single, share(x), share(cotangent), {.momentum = 1.0});
    CHECK(largest_difference(share(found.y), wanted.y) < 1e-13);
    CHECK(largest_difference(share(found.grads[0]), wanted.grads[0]) < 1e-12);
    mean_sum = mean_sum + single.running_mean;
    var_sum = var_sum + single.running_var;
  }
  for (int64_t c = 0; c < 4; ++c) {
    CHECK(grouped.running_mean.data<double>()[c] == Approx(mean_sum.data<double>()[c] / 3).margin(1e-12));
    CHECK(grouped.running_var.data<double>()[c] == Approx(var_sum.data<double>()[c] / 3).margin(1e-12));
  }
}

TEST_CASE("running statistics stay where they are unless training updates them") {
  const Tensor x = values({6, 4}, 11);
  const Layer layer(4);
  const Layer fresh(4);
  const auto is_fresh = [&] {
    return same_bits(layer.running_mean, fresh.running_mean) && same_bits(layer.running_var, fresh.running_var);
  };
  (void)layer.forward(x, {.update_running = false});
  CHECK(is_fresh());
  (void)layer.forward(x, {.training = false});
  CHECK(is_fresh());
  (void)layer.forward(Tensor::zeros({0, 4}, DType::f64), {});
  CHECK(is_fresh());
  const uint32_t version = layer.running_mean.version();
  (void)layer.forward(x, {});
  CHECK_FALSE(is_fresh());
  CHECK(layer.running_mean.version() != version);
}

TEST_CASE("batch norm of 16-bit activations keeps statistics and parameters in float32") {
  for (const Device device : test::devices()) {
    for (const DType dtype : {DType::bf16, DType::f16}) {
      const Tensor x = values({64, 3}, 12, dtype, 3).to(device).set_requires_grad();
      const Tensor weight = values({3}, 13, DType::f32, 1).to(device).set_requires_grad();
      const Tensor running_mean = Tensor::zeros({3}, DType::f32, device);
      const Tensor running_var = Tensor::full({3}, 1.0, DType::f32, device);
      const Tensor y = batch_norm(x, weight, {}, running_mean, running_var, {.momentum = 1.0});
      CHECK(y.dtype() == dtype);
      y.backward(Tensor::full(y.shape(), 1.0, dtype, device));
      CHECK(x.grad().dtype() == dtype);
      CHECK(weight.grad().dtype() == DType::f32);
      const Tensor exact_mean = Tensor::zeros({3}, DType::f64);
      const Tensor exact_var = Tensor::full({3}, 1.0, DType::f64);
      (void)batch_norm(x.detach().to(Device::cpu()).to(DType::f64), {}, {}, exact_mean, exact_var, {.momentum = 1.0});
      CHECK(largest_difference(running_mean, exact_mean) < 2e-6);
      CHECK(largest_difference(running_var, exact_var) < 2e-6);
    }
  }
}

TEST_CASE("a large common offset costs batch norm no more digits than the inputs have lost") {
  const Tensor x = values({300, 3}, 14, DType::f32, 10000);
  const Tensor running_mean = Tensor::zeros({3}, DType::f32);
  const Tensor running_var = Tensor::zeros({3}, DType::f32);
  const Tensor exact_mean = Tensor::zeros({3}, DType::f64);
  const Tensor exact_var = Tensor::zeros({3}, DType::f64);
  (void)batch_norm(x, {}, {}, running_mean, running_var, {.momentum = 1.0});
  (void)batch_norm(x.to(DType::f64), {}, {}, exact_mean, exact_var, {.momentum = 1.0});
  CHECK(largest_difference(running_var, exact_var) < 1e-6);
}

TEST_CASE("batch norm's fused ReLU lets NaN pass") {
  const Tensor x = Tensor::from({1.0F, 2.0F, NAN, 4.0F, 1.0F, 3.0F}, {3, 2});
  const Tensor zero = Tensor::zeros({2});
  const Tensor y = batch_norm(x, {}, {}, zero, Tensor::full({2}, 1.0), {.training = false, .relu = true});
  CHECK(std::isnan(y.data<float>()[2]));
  CHECK(y.data<float>()[3] == Approx(4.0));
}

TEST_CASE("norms read slices of channels in place") {
  const Tensor wide = values({2, 3, 3, 20}, 15, DType::f32);
  const Tensor x = wide.slice(3, 4, 12);
  const auto copies = [](std::string_view op) { return autograd::op_statistics(op).contiguous_copies.load(); };
  const int64_t before = copies("batch_norm") + copies("layer_norm") + copies("group_norm");
  const Tensor norm = batch_norm(x, {}, {}, {}, {});
  const Tensor layer = layer_norm(x, {}, {});
  const Tensor group = group_norm(x, {}, {}, {.groups = 2});
  CHECK(copies("batch_norm") + copies("layer_norm") + copies("group_norm") == before);
  const Tensor dense = x.contiguous();
  CHECK(largest_difference(norm, batch_norm(dense, {}, {}, {}, {})) == 0);
  CHECK(largest_difference(layer, layer_norm(dense, {}, {})) == 0);
  CHECK(largest_difference(group, group_norm(dense, {}, {}, {.groups = 2})) == 0);
}

TEST_CASE("norms of a batch beyond the caches have the bits of norms of its samples") {
  // 16 MiB: results are stored past the caches, and group norm takes the samples in several runs.
  const Tensor x = values({8, 512, 1024}, 22, DType::f32);
  const Tensor cotangent = values(x.shape(), 23, DType::f32);
  const Tensor mean = values({1024}, 24, DType::f32);
  const Tensor var = Tensor::full({1024}, 0.5);
  const std::map<std::string, std::function<Tensor(const Tensor&)>> norms{
      {"training", [](const Tensor& t) { return batch_norm(t, {}, {}, {}, {}, {.stat_groups = int(t.size(0))}); }},
      {"evaluation",
       [&](const Tensor& t) { return batch_norm(t, {}, {}, mean, var, {.training = false, .relu = true}); }},
      {"groups", [](const Tensor& t) { return group_norm(t, {}, {}, {.groups = 32}); }}};
  for (const auto& [name, norm] : norms) {
    INFO(name);
    const auto run = [&, &norm = norm](int64_t begin, int64_t end) {
      const Tensor input = x.slice(0, begin, end).detach().set_requires_grad();
      const Tensor y = norm(input);
      y.backward(cotangent.slice(0, begin, end));
      return std::pair{y.detach(), input.grad()};
    };
    const auto [y, grad] = run(0, 8);
    for (int64_t sample = 0; sample < 8; ++sample) {
      const auto [sample_y, sample_grad] = run(sample, sample + 1);
      CHECK(y.slice(0, sample, sample + 1).to_vector<float>() == sample_y.to_vector<float>());
      CHECK(grad.slice(0, sample, sample + 1).to_vector<float>() == sample_grad.to_vector<float>());
    }
  }
}

TEST_CASE("a folded batch norm does in the convolution what it did behind it") {
  const Tensor x = values({2, 5, 4, 3}, 16);
  const Tensor conv_weight = values({6, 3, 3, 3}, 17);
  const Tensor conv_bias = values({6}, 18);
  const Tensor running_mean = values({6}, 19);
  const Tensor running_var = values({6}, 20, DType::f64, 1.5);
  const Layer layer(6);
  for (const Tensor& bias : {conv_bias, Tensor()}) {
    for (const bool is_affine : {true, false}) {
      const Tensor weight = is_affine ? layer.weight : Tensor();
      const Tensor shift = is_affine ? layer.bias : Tensor();
      const Tensor wanted = batch_norm(conv2d(x, conv_weight, bias), weight, shift, running_mean, running_var,
                                       {.training = false, .eps = 1e-3});
      const WeightAndBias folded = fold_batch_norm(conv_weight, bias, weight, shift, running_mean, running_var, 1e-3);
      CHECK(largest_difference(conv2d(x, folded.weight, folded.bias), wanted) < 1e-13);
    }
  }
  CHECK_THROWS_WITH(fold_batch_norm(conv_weight, values({5}, 1), {}, {}, running_mean, running_var),
                    Contains("fold_batch_norm: biases, parameters and statistics must be [6], got [5]"));
}

TEST_CASE("batch norm says which running statistics it needs") {
  const Tensor x = values({4, 3}, 21, DType::f32);
  const Tensor mean = Tensor::zeros({3});
  CHECK_THROWS_WITH(batch_norm(x, {}, {}, {}, {}, {.training = false}), Contains("needs running_mean and running_var"));
  CHECK_THROWS_WITH(batch_norm(x, {}, {}, mean, {}), Contains("running_mean and running_var go together"));
  CHECK_THROWS_WITH(batch_norm(x, {}, {}, mean, Tensor::zeros({4})), Contains("must be contiguous [3], got [4]"));
  CHECK_THROWS_WITH(batch_norm(x, {}, {}, mean, Tensor::zeros({3}, DType::f64)), Contains("must be f32"));
}
