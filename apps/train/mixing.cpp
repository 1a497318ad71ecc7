#include "apps/train/mixing.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/generator.h"
#include "core/parallel.h"

namespace lv::train {

namespace {

/// Uniform numbers in (0, 1), one after the other.
class Uniforms {
 public:
  explicit Uniforms(PhiloxKey key) : key_(key) {}
  double next() { return std::max(double(random_uniform(key_, next_++)), 0x1p-25); }

 private:
  PhiloxKey key_;
  int64_t next_ = 0;
};

double draw_beta(double alpha, Uniforms& uniforms) {
  if (alpha <= 1) {  // Jöhnk 1964
    while (true) {
      const double x = std::log(uniforms.next()) / alpha;
      const double y = std::log(uniforms.next()) / alpha;
      const double top = std::max(x, y);
      const double log_sum = top + std::log(std::exp(x - top) + std::exp(y - top));
      if (log_sum <= 0) {
        return std::exp(x - log_sum);
      }
    }
  }
  // Cheng 1978, algorithm BB for equal parameters.
  const double a = 2 * alpha;
  const double b = std::sqrt((a - 2) / (2 * alpha * alpha - a));
  const double c = alpha + 1 / b;
  while (true) {
    const double u = uniforms.next();
    const double v = b * std::log(u / (1 - u));
    const double w = alpha * std::exp(v);
    const double z = u * u * uniforms.next();
    const double r = c * v - std::log(4.0);
    if (r + a * std::log(a / (alpha + w)) >= std::log(z)) {
      return w / (alpha + w);
    }
  }
}

Tensor mixed_targets(const Tensor& labels, int64_t classes, double share) {
  const std::vector<int64_t> values = labels.to_vector<int64_t>();
  const auto count = int64_t(values.size());
  Tensor targets = Tensor::zeros({count, classes});
  auto* const rows = targets.data<float>();
  for (int64_t i = 0; i < count; ++i) {
    rows[i * classes + values[size_t(i)]] += float(share);
    rows[i * classes + values[size_t((i + count - 1) % count)]] += float(1 - share);
  }
  return targets;
}

Tensor blend(const Tensor& images, double share) {
  const int64_t count = images.size(0);
  const int64_t size = images.numel() / count;
  Tensor mixed = Tensor::empty(images.shape());
  const auto* const in = images.data<float>();
  auto* const out = mixed.data<float>();
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* const self = in + n * size;
      const float* const other = in + (n + count - 1) % count * size;
      for (int64_t i = 0; i < size; ++i) {
        out[n * size + i] = float(share) * self[i] + float(1 - share) * other[i];
      }
    }
  });
  return mixed;
}

}  // namespace

double draw_beta(double alpha, PhiloxKey key) {
  Uniforms uniforms(key);
  return draw_beta(alpha, uniforms);
}

MixedBatch mix(const Tensor& images, const Tensor& labels, int64_t classes, const MixingOptions& options,
               PhiloxKey key) {
  Uniforms uniforms(key);
  const bool cuts = options.cutmix > 0 && (options.mixup <= 0 || uniforms.next() < 0.5);
  double share = draw_beta(cuts ? options.cutmix : options.mixup, uniforms);
  if (!cuts) {
    return {blend(images, share), mixed_targets(labels, classes, share)};
  }
  const int64_t height = images.size(1);
  const int64_t width = images.size(2);
  const auto column = int64_t(uniforms.next() * double(width));
  const auto row = int64_t(uniforms.next() * double(height));
  const double half = 0.5 * std::sqrt(1 - share);
  const int64_t left = std::max<int64_t>(column - int64_t(half * double(width)), 0);
  const int64_t right = std::min(column + int64_t(half * double(width)), width);
  const int64_t top = std::max<int64_t>(row - int64_t(half * double(height)), 0);
  const int64_t bottom = std::min(row + int64_t(half * double(height)), height);
  Tensor mixed = images.clone();
  const int64_t count = images.size(0);
  for (int64_t n = 0; n < count && right > left && bottom > top; ++n) {
    const auto part = [&](const Tensor& batch, int64_t i) {
      return batch.select(0, i).slice(0, top, bottom).slice(1, left, right);
    };
    part(mixed, n).copy_from(part(images, (n + count - 1) % count));
  }
  share = 1 - double((right - left) * (bottom - top)) / double(width * height);
  return {mixed, mixed_targets(labels, classes, share)};
}

}  // namespace lv::train
