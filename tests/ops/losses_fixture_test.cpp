// Losses against PyTorch's values and gradients.

#include <catch2/catch.hpp>

#include "autograd/engine.h"
#include "ops/elementwise.h"
#include "ops/losses.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

const OpFixture& fixture() {
  static const OpFixture file("ops/losses.safetensors");
  return file;
}

void check(const std::string& name, const OpFixture::Function& loss, const std::vector<std::string>& images = {}) {
  INFO(name);
  fixture().check(name, images, loss);
}

}  // namespace

TEST_CASE("cross-entropy equals PyTorch's, with smoothing, weights, ignored rows and soft targets") {
  const std::map<std::string, CrossEntropyOptions> cases{
      {"ce_mean", {}},
      {"ce_sum", {.reduction = Reduction::sum}},
      {"ce_none", {.reduction = Reduction::none}},
      {"ce_smooth", {.label_smoothing = 0.1}},
      {"ce_ignore", {.ignore_index = 255}},
      {"ce_ignore_smooth", {.label_smoothing = 0.1, .ignore_index = 255}},
      {"ce_weight", {}},
      {"ce_weight_smooth_ignore", {.label_smoothing = 0.2, .ignore_index = 255}},
      {"ce_soft", {}},
      {"ce_soft_smooth", {.label_smoothing = 0.1}},
      {"ce_huge_logits", {}},
  };
  for (const auto& [name, options] : cases) {
    check(name, [&](const OpFixture::Named& in) {
      const Tensor target = in.contains("t") ? in.at("t") : in.at("y");
      return cross_entropy(in.at("x"), target, in.contains("w") ? in.at("w") : Tensor{}, options);
    });
  }
  check("ce_2d_ignore",
        [](const OpFixture::Named& in) { return cross_entropy(in.at("x"), in.at("y"), {.ignore_index = 255}); }, {"x"});
}

TEST_CASE("binary cross-entropy equals PyTorch's, with weights and huge logits") {
  const auto bce = [](const std::string& name, bool is_pos_weight, Reduction reduction) {
    check(name, [&](const OpFixture::Named& in) {
      BceOptions options{.reduction = reduction};
      if (in.contains("w")) {
        (is_pos_weight ? options.pos_weight : options.weight) = in.at("w");
      }
      return bce_with_logits(in.at("x"), in.at("t"), options);
    });
  };
  bce("bce_mean", false, Reduction::mean);
  bce("bce_sum", false, Reduction::sum);
  bce("bce_soft_target", false, Reduction::mean);
  bce("bce_pos_weight", true, Reduction::mean);
  bce("bce_weight", false, Reduction::mean);
  bce("bce_huge", false, Reduction::none);
}

TEST_CASE("divergences equal PyTorch's, with zero targets and targets as logarithms") {
  check("kl_batchmean", [](const OpFixture::Named& in) {
    return kl_div(log_softmax(in.at("x")), softmax(in.at("t")), {.divides_by_batch = true});
  });
  check("kl_mean", [](const OpFixture::Named& in) { return kl_div(log_softmax(in.at("x")), softmax(in.at("t"))); });
  check("kl_log_target", [](const OpFixture::Named& in) {
    return kl_div(log_softmax(in.at("x")), log_softmax(in.at("t")), {.is_log_target = true, .divides_by_batch = true});
  });
  check("kl_temperature_symmetric", [](const OpFixture::Named& in) {
    const Tensor x = in.at("x") / 0.2;
    const Tensor t = in.at("t") / 0.2;
    const KlOptions batch{.divides_by_batch = true};
    return 0.5 * kl_div(log_softmax(t), softmax(x), batch) + 0.5 * kl_div(log_softmax(x), softmax(t), batch);
  });
}

TEST_CASE("the loss of labels leaves out ignored rows and weighs the others by their label") {
  const Tensor x = Tensor::from(std::vector<double>{-1, -2, -3, -4, -5, -6}, {3, 2}).set_requires_grad();
  const Tensor labels = Tensor::from(std::vector<int64_t>{1, 9, 0}, {3});
  const Tensor weight = Tensor::from(std::vector<double>{0.5, 2}, {2});
  const Tensor loss = nll_loss(x, labels, {.weight = weight, .ignore_index = 9});
  CHECK(loss.item() == Approx((2 * 2 + 0.5 * 5) / 2.5));
  autograd::backward(loss);
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, -0.8, 0, 0, -0.2, 0});
  CHECK(nll_loss(x, labels, {.weight = weight, .ignore_index = 9, .reduction = Reduction::none}).to_vector<double>() ==
        std::vector<double>{4, 0, 2.5});
  CHECK_THROWS_WITH(nll_loss(x, labels, {.weight = labels}), Catch::Contains("weight must be [2], got [3]"));
}

TEST_CASE("losses of single elements broadcast and can be differentiated twice") {
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}).set_requires_grad();
  const Tensor loss = mse_loss(x, Tensor::from(std::vector<double>{0, 1}, {2}), Reduction::sum);
  CHECK(loss.item() == 1 + 1 + 9 + 9);
  const Tensor slope = autograd::grad({&loss, 1}, {&x, 1}, {}, {.create_graph = true})[0];
  CHECK(slope.to_vector<double>() == std::vector<double>{2, 2, 6, 6});
  autograd::backward(sum(square(slope)));
  CHECK(x.grad().to_vector<double>() == std::vector<double>{8, 8, 24, 24});
}

TEST_CASE("a divergence is 0 where the target is, whatever the input") {
  check("kl_zero_target", [](const OpFixture::Named& in) {
    return kl_div(log_softmax(in.at("x")), in.at("t"), {.divides_by_batch = true});
  });
}

TEST_CASE("distances and the loss of labels equal PyTorch's") {
  check("mse_mean", [](const OpFixture::Named& in) { return mse_loss(in.at("x"), in.at("t")); });
  check("l1_mean_with_equal", [](const OpFixture::Named& in) { return l1_loss(in.at("x"), in.at("t")); });
  check("smooth_l1_beta", [](const OpFixture::Named& in) { return smooth_l1_loss(in.at("x"), in.at("t"), 0.5); });
  check("nll_2d", [](const OpFixture::Named& in) { return nll_loss(log_softmax(in.at("x")), in.at("y")); }, {"x"});
}
