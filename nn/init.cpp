#include "nn/init.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/parallel.h"

namespace lv::nn::init {

namespace {

/// Four neighbouring elements, drawn at once: they share a block of random bits.
using Four = std::array<double, 4>;

/// Elements 4 * block on, row-major, become draw(key, block). The values are made in float32, in parallel, and then
/// copied into the tensor's own layout, dtype and device.
template <class Draw>
void fill(const Tensor& tensor, Generator& generator, const Draw& draw) {
  constexpr int64_t kGrain = 4096;
  const PhiloxKey key = generator.claim();
  const int64_t count = tensor.numel();
  const Tensor values = Tensor::empty(tensor.shape());
  auto* const to = values.data<float>();
  parallel_for((count + 3) / 4, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const Four four = draw(key, block);
      for (int64_t i = 4 * block; i < std::min(4 * block + 4, count); ++i) {
        to[i] = float(four[size_t(i % 4)]);
      }
    }
  });
  tensor.copy_from(values);
}

int64_t cells(const Shape& weight) {
  LV_CHECK_SHAPE(weight.rank() >= 2, "init: fans need a weight [out, in, ...], got {}", weight);
  return numel(weight) / (weight[0] * weight[1]);
}

}  // namespace

int64_t fan_in(const Shape& weight) { return weight[1] * cells(weight); }
int64_t fan_out(const Shape& weight) { return weight[0] * cells(weight); }

void uniform(const Tensor& tensor, double low, double high, Generator& generator) {
  fill(tensor, generator, [=](PhiloxKey key, int64_t block) {
    const PhiloxWords bits = random_block(key, block);
    Four four;
    std::transform(std::begin(bits.w), std::end(bits.w), four.begin(),
                   [&](uint32_t word) { return low + (high - low) * double(uniform_from_bits(word)); });
    return four;
  });
}

void normal(const Tensor& tensor, double mean, double std, Generator& generator) {
  fill(tensor, generator, [=](PhiloxKey key, int64_t block) {
    const PhiloxWords bits = random_block(key, block);
    const NormalPair a = normals_from_bits(bits.w[0], bits.w[1]);
    const NormalPair b = normals_from_bits(bits.w[2], bits.w[3]);
    return Four{mean + std * double(a.first), mean + std * double(a.second), mean + std * double(b.first),
                mean + std * double(b.second)};
  });
}

void truncated_normal(const Tensor& tensor, double mean, double std, double low, double high, Generator& generator) {
  LV_CHECK(low < high, "init: the lower limit {} must be below the upper limit {}", low, high);
  const int64_t count = tensor.numel();
  const auto redrawn = [=](PhiloxKey key, int64_t i) {
    // Redraws use indices beyond the tensor's own.
    for (int64_t attempt = 0;; ++attempt) {
      const double value = mean + std * double(random_normal(key, i + attempt * count));
      if (value >= low && value <= high) {
        return value;
      }
    }
  };
  fill(tensor, generator, [&](PhiloxKey key, int64_t block) {
    Four four;
    for (size_t i = 0; i < four.size(); ++i) {
      four[i] = redrawn(key, 4 * block + int64_t(i));
    }
    return four;
  });
}

void kaiming_uniform(const Tensor& weight, double slope, Generator& generator) {
  const double limit = std::sqrt(6.0 / ((1.0 + slope * slope) * double(fan_in(weight.shape()))));
  uniform(weight, -limit, limit, generator);
}

void kaiming_normal(const Tensor& weight, Fan fan, Generator& generator) {
  const int64_t count = fan == Fan::in ? fan_in(weight.shape()) : fan_out(weight.shape());
  normal(weight, 0.0, std::sqrt(2.0 / double(count)), generator);
}

void xavier_uniform(const Tensor& weight, Generator& generator) {
  const double limit = std::sqrt(6.0 / double(fan_in(weight.shape()) + fan_out(weight.shape())));
  uniform(weight, -limit, limit, generator);
}

}  // namespace lv::nn::init
