#include "nn/init.h"

#include <cmath>

namespace lv::nn::init {

namespace {

template <class Draw>
void fill(const Tensor& tensor, Generator& generator, Draw&& draw) {
  const PhiloxKey key = generator.claim();
  std::vector<double> values(size_t(tensor.numel()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = draw(key, int64_t(i));
  }
  tensor.copy_from(Tensor::from(values, tensor.shape()));
}

int64_t cells(const Shape& weight) {
  LV_CHECK_SHAPE(weight.rank() >= 2, "init: fans need a weight [out, in, ...], got {}", weight);
  return numel(weight) / (weight[0] * weight[1]);
}

}  // namespace

int64_t fan_in(const Shape& weight) { return weight[1] * cells(weight); }
int64_t fan_out(const Shape& weight) { return weight[0] * cells(weight); }

void uniform(const Tensor& tensor, double low, double high, Generator& generator) {
  fill(tensor, generator,
       [=](PhiloxKey key, int64_t i) { return low + (high - low) * double(random_uniform(key, i)); });
}

void normal(const Tensor& tensor, double mean, double std, Generator& generator) {
  fill(tensor, generator, [=](PhiloxKey key, int64_t i) { return mean + std * double(random_normal(key, i)); });
}

void truncated_normal(const Tensor& tensor, double mean, double std, double low, double high, Generator& generator) {
  LV_CHECK(low < high, "init: the lower limit {} must be below the upper limit {}", low, high);
  const int64_t count = tensor.numel();
  fill(tensor, generator, [=](PhiloxKey key, int64_t i) {
    // Redraws use indices beyond the tensor's own.
    for (int64_t attempt = 0;; ++attempt) {
      const double value = mean + std * double(random_normal(key, i + attempt * count));
      if (value >= low && value <= high) {
        return value;
      }
    }
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
