#include <catch2/catch.hpp>
#include <cmath>

#include "core/generator.h"
#include "nn/attention.h"
#include "nn/containers.h"
#include "nn/conv2d.h"
#include "nn/conv_transpose2d.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "ops/elementwise.h"

using namespace lv;
using Catch::Contains;

namespace {

std::vector<std::string> described(const nn::Module& module) {
  std::vector<std::string> result;
  for (const NamedTensor& entry : module.state_dict()) {
    result.push_back(fmt::format("{} {}", entry.name, entry.tensor.shape()));
  }
  return result;
}

Tensor random(const Shape& shape) {
  const Tensor x = Tensor::empty(shape);
  Generator generator(7);
  nn::init::normal(x, 0, 1, generator);
  return x;
}

struct Statistics {
  double mean = 0;
  double deviation = 0;
  double low = INFINITY;
  double high = -INFINITY;
};

Statistics statistics(const Tensor& tensor) {
  Statistics result;
  const std::vector<float> values = tensor.to_vector<float>();
  double squares = 0;
  for (const float value : values) {
    result.mean += value / double(values.size());
    squares += double(value) * value / double(values.size());
    result.low = std::min(result.low, double(value));
    result.high = std::max(result.high, double(value));
  }
  result.deviation = std::sqrt(squares - result.mean * result.mean);
  return result;
}

}  // namespace

TEST_CASE("layers: parameters have torch's names, order and shapes") {
  using Names = std::vector<std::string>;
  CHECK(described(nn::Conv2d(6, 4, {3, 5}, {.conv = {.groups = 2}})) == Names{"weight [4, 3, 3, 5]", "bias [4]"});
  CHECK(described(nn::ConvTranspose2d(6, 4, {3, 5}, {.conv = {.groups = 2}})) ==
        Names{"weight [6, 2, 3, 5]", "bias [4]"});
  CHECK(described(nn::Embedding(5, 3)) == Names{"weight [5, 3]"});
  CHECK(described(nn::Linear(3, 5, false)) == Names{"weight [5, 3]"});
  CHECK(described(nn::WeightNormLinear(3, 5)) == Names{"bias [5]", "weight_g [5, 1]", "weight_v [5, 3]"});
  CHECK(described(nn::MultiHeadAttention(6, 2)) ==
        Names{"qkv.weight [18, 6]", "qkv.bias [18]", "proj.weight [6, 6]", "proj.bias [6]"});
}

TEST_CASE("layers: a sequence counts functions, registers modules and calls all in order") {
  nn::Sequential net;
  auto& first = net.emplace_back<nn::Linear>(2, 2, false);
  net.push_back([](const Tensor& x) { return ops::relu(x); });
  auto& second = net.emplace_back<nn::Linear>(2, 1, false);
  CHECK(described(net) == std::vector<std::string>{"0.weight [2, 2]", "2.weight [1, 2]"});
  first.weight.copy_from(Tensor::from<float>({1, 0, 0, 1}, {2, 2}));
  second.weight.copy_from(Tensor::from<float>({10, 1}, {1, 2}));
  CHECK(net.forward(Tensor::from<float>({-3, 4}, {1, 2})).item() == 4);
}

TEST_CASE("layers: a weight-normed layer starts as the plain layer with its directions, and g is the length") {
  const nn::WeightNormLinear layer(7, 3);
  const Tensor x = random({4, 7});
  const std::vector<float> v = layer.weight_v.to_vector<float>();
  const std::vector<float> g = layer.weight_g.to_vector<float>();
  const std::vector<float> b = layer.bias.to_vector<float>();
  const std::vector<float> in = x.to_vector<float>();
  const std::vector<float> out = layer.forward(x).to_vector<float>();
  for (size_t row = 0; row < 3; ++row) {
    double square = 0;
    for (size_t i = 0; i < 7; ++i) {
      square += double(v[row * 7 + i]) * v[row * 7 + i];
    }
    CHECK(g[row] == Approx(std::sqrt(square)));
    for (size_t n = 0; n < 4; ++n) {
      double sum = b[row];
      for (size_t i = 0; i < 7; ++i) {
        sum += double(v[row * 7 + i]) * in[n * 7 + i];
      }
      CHECK(out[n * 3 + row] == Approx(sum).margin(1e-6));
    }
  }
}

TEST_CASE("layers: attention is the weighted mean of values, head by head") {
  const nn::MultiHeadAttention layer(6, 2);
  const Tensor x = random({2, 5, 6});
  const std::vector<float> projected = layer.qkv.forward(x).to_vector<float>();
  const auto at = [&](size_t n, size_t l, size_t kind, size_t head, size_t c) {
    return double(projected[((n * 5 + l) * 3 + kind) * 6 + head * 3 + c]);
  };
  const std::vector<float> weights = layer.attention(x).to_vector<float>();
  std::vector<float> mixed(2 * 5 * 6);
  for (size_t n = 0; n < 2; ++n) {
    for (size_t head = 0; head < 2; ++head) {
      for (size_t query = 0; query < 5; ++query) {
        double p[5];
        double total = 0;
        for (size_t key = 0; key < 5; ++key) {
          double dot = 0;
          for (size_t c = 0; c < 3; ++c) {
            dot += at(n, query, 0, head, c) * at(n, key, 1, head, c);
          }
          p[key] = std::exp(dot / std::sqrt(3.0));
          total += p[key];
        }
        for (size_t key = 0; key < 5; ++key) {
          CHECK(weights[((n * 2 + head) * 5 + query) * 5 + key] == Approx(p[key] / total));
          for (size_t c = 0; c < 3; ++c) {
            mixed[(n * 5 + query) * 6 + head * 3 + c] += float(p[key] / total * at(n, key, 2, head, c));
          }
        }
      }
    }
  }
  const std::vector<float> wanted = layer.proj.forward(Tensor::from(mixed, {2, 5, 6})).to_vector<float>();
  const std::vector<float> got = layer.forward(x).to_vector<float>();
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] == Approx(wanted[i]).margin(1e-6));
  }
}

TEST_CASE("layers: a transposed convolution and an embedding call their ops") {
  const nn::ConvTranspose2d up(2, 3, {2, 2}, {.conv = {.stride = {2, 2}}});
  const Tensor x = random({1, 2, 3, 2});
  const Tensor y = up.forward(x);
  REQUIRE(y.shape() == Shape{1, 4, 6, 3});
  const float* in = x.data<float>();
  const float* w = up.weight.data<float>();
  // With stride 2 and a kernel of 2 x 2 every output has one input: row 3, column 4 has row 1, column 2.
  const size_t cell = 1 * 2 + 0;  // the kernel's row 1, column 0
  const double sum = double(in[(1 * 3 + 2) * 2]) * w[(0 * 3 + 1) * 4 + cell] +
                     double(in[(1 * 3 + 2) * 2 + 1]) * w[(1 * 3 + 1) * 4 + cell] + up.bias.to_vector<float>()[1];
  CHECK(y.to_vector<float>()[(3 * 6 + 4) * 3 + 1] == Approx(sum).margin(1e-6));

  const nn::Embedding table(4, 3, 1);
  const std::vector<float> rows = table.forward(Tensor::from<int64_t>({2, 1}, {2})).to_vector<float>();
  const std::vector<float> all = table.weight.to_vector<float>();
  CHECK(std::vector<float>(rows.begin(), rows.begin() + 3) == std::vector<float>(all.begin() + 6, all.begin() + 9));
  CHECK(std::vector<float>(rows.begin() + 3, rows.end()) == std::vector<float>(3, 0.0F));
}

TEST_CASE("layers: dropout acts in training only, on elements or on whole samples") {
  manual_seed(4);
  const Tensor x = Tensor::full({64, 100}, 1);
  nn::Dropout dropout(0.25);
  const Statistics dropped = statistics(dropout.forward(x));
  CHECK(dropped.low == 0);
  CHECK(dropped.high == Approx(1 / 0.75));
  CHECK(dropped.mean == Approx(1).epsilon(0.03));  // four deviations
  nn::DropPath path(0.5);
  const std::vector<float> paths = path.forward(x).to_vector<float>();
  int kept = 0;
  for (size_t row = 0; row < 64; ++row) {
    CHECK((paths[row * 100] == 0 || paths[row * 100] == 2));
    CHECK(std::all_of(&paths[row * 100], &paths[row * 100] + 100, [&](float v) { return v == paths[row * 100]; }));
    kept += paths[row * 100] != 0 ? 1 : 0;
  }
  CHECK(kept > 16);
  CHECK(kept < 48);
  dropout.eval();
  path.eval();
  CHECK(dropout.forward(x).is_same(x));
  CHECK(path.forward(x).is_same(x));
  CHECK_THROWS_WITH(nn::Dropout(1), Contains("must be in [0, 1)"));
}

TEST_CASE("layers: impossible divisions are refused") {
  CHECK_THROWS_WITH(nn::Conv2d(6, 4, {3, 3}, {.conv = {.groups = 4}}), Contains("4 groups do not divide 6 and 4"));
  CHECK_THROWS_WITH(nn::ConvTranspose2d(6, 4, {3, 3}, {.conv = {.groups = 4}}), Contains("do not divide"));
  CHECK_THROWS_WITH(nn::MultiHeadAttention(6, 4), Contains("4 heads do not divide 6 channels"));
}

TEST_CASE("initialisers: deviations and limits follow the fans, and one seed gives one tensor in any layout") {
  const Tensor weight = Tensor::empty({64, 32, 3, 3});
  Generator generator(1);
  nn::init::kaiming_uniform(weight, std::sqrt(5.0), generator);
  const double limit = 1 / std::sqrt(32.0 * 9);
  CHECK(statistics(weight).high <= limit);
  CHECK(statistics(weight).low >= -limit);
  CHECK(statistics(weight).deviation == Approx(limit / std::sqrt(3.0)).epsilon(0.02));
  nn::init::kaiming_normal(weight, nn::init::Fan::out, generator);
  CHECK(statistics(weight).deviation == Approx(std::sqrt(2 / (64.0 * 9))).epsilon(0.02));
  nn::init::xavier_uniform(weight, generator);
  CHECK(statistics(weight).high == Approx(std::sqrt(6 / (96.0 * 9))).epsilon(0.01));
  nn::init::truncated_normal(weight, 0.5, 1, -1, 1, generator);
  CHECK(statistics(weight).high <= 1);
  CHECK(statistics(weight).low >= -1);
  CHECK(statistics(weight).mean == Approx(0.1437).epsilon(0.05));  // 0.5 + (phi(-1.5) - phi(0.5)) / 0.6247

  const Tensor stored = Tensor::empty({64, 3, 3, 32}).permute({0, 3, 1, 2});
  Generator again(1);
  nn::init::kaiming_uniform(stored, std::sqrt(5.0), again);
  Generator first(1);
  nn::init::kaiming_uniform(weight, std::sqrt(5.0), first);
  CHECK(stored.to_vector<float>() == weight.to_vector<float>());
}
