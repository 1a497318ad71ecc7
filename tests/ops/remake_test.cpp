// Batch norm's output is made again in backward: what is kept, and that gradients do not tell.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "core/allocator.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/norm.h"
#include "ops/reduce.h"

using namespace lv;
using namespace lv::ops;

namespace {

const Shape kImages{4, 8, 8, 16};

Tensor waves(const Shape& shape, double frequency) {
  std::vector<double> numbers(size_t(numel(shape)));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = std::sin(frequency * double(i + 1));
  }
  return Tensor::from(numbers, shape);
}

int64_t live_bytes() { return allocator(Device::cpu()).stats().allocated_bytes; }

/// A batch norm between two convolutions. A residual, which may be zeros, makes its output one that is kept.
struct Network {
  Tensor x = waves(kImages, 0.37).set_requires_grad();
  Tensor first = waves({16, 16, 1, 1}, 0.71).set_requires_grad();
  Tensor gain = waves({16}, 1.3).set_requires_grad();
  Tensor second = waves({16, 16, 3, 3}, 0.53).set_requires_grad();
  Tensor residual;

  [[nodiscard]] Tensor forward() const {
    const Tensor y = batch_norm(conv2d(x, first), gain, {}, {}, {}, {.relu = true}, residual);
    return conv2d(y, second, {}, {.padding = {1, 1}});
  }
  [[nodiscard]] std::vector<Tensor> leaves() const { return {x, first, gain, second}; }
};

double largest_difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, amax(abs(a[i].detach() - b[i].detach())).item());
  }
  return worst;
}

}  // namespace

TEST_CASE("what batch norm can make again is not kept by its consumer") {
  const Network network;
  const int64_t before = live_bytes();
  const Tensor z = network.forward();
  const int64_t array = z.size_bytes();
  CHECK(live_bytes() - before < 2 * array + array / 2);  // z and batch norm's own input
  CHECK(live_bytes() - before > array + array / 2);
}

TEST_CASE("gradients through an output that is made again are those through a kept one") {
  const Network remade;
  Network kept;
  kept.residual = Tensor::zeros(kImages, DType::f64);
  const Tensor seed = waves(kImages, 0.19);
  const auto gradients = [&](const Network& network) {
    return autograd::grad(std::vector{network.forward()}, network.leaves(), std::vector{seed});
  };
  CHECK(largest_difference(gradients(remade), gradients(kept)) < 1e-11);
}

TEST_CASE("an output that is made again has its history in a gradient's gradient") {
  const Network remade;
  Network kept;
  kept.residual = Tensor::zeros(kImages, DType::f64);
  const auto second_gradients = [](const Network& network) {
    const autograd::HigherOrderGuard keep_inputs;
    const Tensor z = network.forward();
    const auto grads =
        autograd::grad(std::vector{sum(square(z))}, std::vector{network.second}, {}, {.create_graph = true});
    return autograd::grad(std::vector{sum(square(grads[0]))}, network.leaves());
  };
  const std::vector<Tensor> wanted = second_gradients(kept);
  const double scale = amax(abs(wanted[1].detach())).item();
  CHECK(largest_difference(second_gradients(remade), wanted) < 1e-10 * scale);
}

TEST_CASE("an output is made again from what has not changed since") {
  const Network network;
  Tensor inner;
  const Tensor y = batch_norm(inner = conv2d(network.x, network.first), network.gain, {}, {}, {});
  const Tensor z = conv2d(y, network.second, {}, {.padding = {1, 1}});
  inner.detach().fill(1.0);
  CHECK_THROWS_WITH(autograd::backward(z, waves(kImages, 0.19)), Catch::Contains("batch_norm: saved tensor 0"));
}
