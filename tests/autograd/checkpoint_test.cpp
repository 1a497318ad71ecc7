#include "autograd/checkpoint.h"

#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/context.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "core/allocator.h"
#include "tests/autograd/square.h"
#include "tests/autograd/test_ops.h"

using namespace lv;
using namespace lv::autograd;
using Catch::Contains;
using namespace lv::test;

namespace {

Tensor run(const Segment& segment, const Tensor& x) { return checkpoint(segment, {&x, 1})[0]; }

/// x with about half of its elements doubled and the others dropped, by the default generator.
struct Drop : TestOp {
  static constexpr std::string_view kName = "test_drop";
  static TensorList forward(Context& ctx, Inputs in, const Options&) {
    const PhiloxKey key = default_generator().claim();
    const Tensor mask = Tensor::empty(in[0].shape(), DType::f64);
    for (int64_t i = 0; i < mask.numel(); ++i) {
      mask.data<double>()[i] = (random_bits(key, i) & 1U) != 0 ? 2.0 : 0.0;
    }
    ctx.save(mask);
    return {map_elements(std::multiplies<>(), in[0], mask)};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) { return {multiply(grads[0], ctx.saved(0))}; }
};

struct Model {
  Tensor x = Tensor::full({64}, 0.5, DType::f64).set_requires_grad();
  Tensor weight = Tensor::full({64}, 1.5, DType::f64).set_requires_grad();
  int runs = 0;

  TensorList layer(Inputs in) {
    ++runs;
    return {multiply(apply<Drop>({multiply(in[0], weight)})[0], weight)};
  }
  Tensor plain() { return layer(layer({&x, 1}))[0]; }
  Tensor checkpointed() {
    const Segment segment = [this](Inputs in) { return layer(in); };
    return checkpoint(segment, checkpoint(segment, {&x, 1}))[0];
  }
};

/// Gradients of the model's tensors after `passes` backward passes of one loss.
std::vector<std::vector<double>> gradients(Tensor (Model::*forward)(), int passes = 1) {
  manual_seed(5);
  Model model;
  const Tensor loss = sum_to((model.*forward)(), {});
  for (int pass = 0; pass < passes; ++pass) {
    (void)default_generator().claim();  // other numbers are drawn before the second run
    backward(loss, {}, {.retain_graph = pass + 1 < passes});
  }
  return {model.x.grad().to_vector<double>(), model.weight.grad().to_vector<double>()};
}

int64_t live_bytes() { return allocator(Device::cpu()).stats().allocated_bytes; }

}  // namespace

TEST_CASE("checkpointed segments give the gradients of plain ones and run twice") {
  const Tensor x = Tensor::from<double>({1, 2, 3}, {3}).set_requires_grad();
  const Tensor weight = Tensor::from<double>({3, 2, 1}, {3}).set_requires_grad();
  int runs = 0;
  const Segment segment = [&](Inputs in) {
    ++runs;
    return TensorList{square(add(square(in[0]), weight))};
  };
  run(segment, x).backward(Tensor::full({3}, 1, DType::f64));
  CHECK(runs == 2);
  const auto got_x = x.grad().to_vector<double>();
  const auto got_weight = weight.grad().to_vector<double>();
  x.set_grad({});
  weight.set_grad({});
  segment({&x, 1})[0].backward(Tensor::full({3}, 1, DType::f64));
  CHECK(got_x == x.grad().to_vector<double>());
  CHECK(got_weight == weight.grad().to_vector<double>());
}

TEST_CASE("a checkpointed segment draws the same random numbers again") {
  manual_seed(7);
  std::vector<uint64_t> offsets;
  const Segment segment = [&](Inputs in) {
    offsets.push_back(default_generator().claim().offset);
    return TensorList{square(in[0])};
  };
  const Tensor x = Tensor::scalar(3).set_requires_grad();
  const Tensor y = run(segment, x);
  const uint64_t next = default_generator().claim().offset;
  y.backward();
  REQUIRE(offsets.size() == 2);
  CHECK(offsets[0] == offsets[1]);
  CHECK(default_generator().claim().offset == next + 1);
}

TEST_CASE("the second run knows that it is one") {
  std::vector<bool> seen;
  const Segment segment = [&](Inputs in) {
    seen.push_back(is_recomputing());
    return TensorList{square(in[0])};
  };
  const Tensor x = Tensor::scalar(3).set_requires_grad();
  run(segment, x).backward();
  CHECK(seen == std::vector<bool>{false, true});
}

TEST_CASE("a segment that does other work the second time is noticed") {
  int runs = 0;
  const Segment segment = [&](Inputs in) { return TensorList{++runs == 1 ? square(square(in[0])) : square(in[0])}; };
  const Tensor x = Tensor::scalar(3).set_requires_grad();
  CHECK_THROWS_WITH(run(segment, x).backward(), Contains("saved 1 tensors when run again, 2 the first time"));
}

TEST_CASE("a checkpointed chain holds no inner tensors until backward") {
  constexpr int64_t kElements = 1 << 16;
  const Tensor x = Tensor::full({kElements}, 1.0).set_requires_grad();
  const Segment segment = [](Inputs in) { return TensorList{square(square(square(square(in[0]))))}; };
  Allocator& memory = allocator(Device::cpu());
  const int64_t before = memory.stats().allocated_bytes;
  const Tensor plain = segment({&x, 1})[0];
  const int64_t held_plain = memory.stats().allocated_bytes - before;
  const Tensor checkpointed = run(segment, x);
  const int64_t held_checkpointed = memory.stats().allocated_bytes - before - held_plain;
  CHECK(held_plain >= 4 * kElements * 4);
  CHECK(held_checkpointed < 2 * kElements * 4);
}

TEST_CASE("a checkpointed segment gives the same gradients, random masks included") {
  const auto plain = gradients(&Model::plain);
  CHECK(std::count(plain[0].begin(), plain[0].end(), 0.0) > 32);  // masks are at work
  CHECK(gradients(&Model::checkpointed) == plain);
}

TEST_CASE("a retained graph with checkpoints can be differentiated again") {
  CHECK(gradients(&Model::checkpointed, 2) == gradients(&Model::plain, 2));
}

TEST_CASE("checkpoints keep less memory, and backward gives all of it back") {
  constexpr int kLayers = 16;
  constexpr int64_t kBytes = 4096 * 8;
  const Tensor x = Tensor::full({4096}, 0.5, DType::f64).set_requires_grad();
  const auto cube = [](Inputs in) -> TensorList { return {multiply(multiply(in[0], in[0]), in[0])}; };
  const auto run = [&](bool with_checkpoints) {
    const int64_t before = live_bytes();
    TensorList h{x};
    for (int i = 0; i < kLayers; ++i) {
      h = with_checkpoints ? checkpoint(cube, h) : cube(h);
    }
    const int64_t kept = live_bytes() - before;
    h[0].backward(Tensor::zeros({4096}, DType::f64));
    h = {};
    x.set_grad({});
    CHECK(live_bytes() == before);
    return kept;
  };
  CHECK(run(false) >= 2 * kLayers * kBytes);
  CHECK(run(true) <= (kLayers + 1) * kBytes);
}

TEST_CASE("a checkpointed segment whose backward never runs gives its memory back") {
  const int64_t before = live_bytes();
  {
    Model model;
    const Tensor loss = model.checkpointed();
  }
  CHECK(live_bytes() == before);
}

TEST_CASE("gradients through a checkpoint can be differentiated again") {
  const Tensor x = Tensor::from<double>({2, 3}, {2}).set_requires_grad();
  const int64_t before = live_bytes();
  {
    const auto cube = [](Inputs in) -> TensorList { return {multiply(multiply(in[0], in[0]), in[0])}; };
    const Tensor y = sum_to(checkpoint(cube, {&x, 1})[0], {});
    const std::vector<Tensor> first = grad(std::vector{y}, std::vector{x}, {}, {.create_graph = true});
    CHECK(first[0].to_vector<double>() == std::vector<double>{12, 27});
    const std::vector<Tensor> second = grad(std::vector{sum_to(first[0], {})}, std::vector{x});
    CHECK(second[0].to_vector<double>() == std::vector<double>{12, 18});
  }
  CHECK(live_bytes() == before);
}

TEST_CASE("an input of a segment that was written to is noticed") {
  const Tensor x = Tensor::from<double>({2, 3}, {2}).set_requires_grad();
  const Tensor factor = Tensor::from<double>({5, 7}, {2});
  const Tensor in[] = {x, factor};
  const Tensor y = sum_to(checkpoint([](Inputs i) -> TensorList { return {multiply(i[0], i[1])}; }, in)[0], {});
  factor.fill(1);
  CHECK_THROWS_WITH(y.backward(), Contains("checkpoint: input 1 of shape [2] was changed") && Contains("now 1"));
}

TEST_CASE("a segment that fails in its second run leaves the generator and the modes as they were") {
  const Tensor x = Tensor::from<double>({2, 3}, {2}).set_requires_grad();
  manual_seed(5);
  int runs = 0;
  const auto failing = [&](Inputs in) -> TensorList {
    const TensorList y{multiply(apply<Drop>({in[0]})[0], in[0])};
    LV_CHECK(++runs == 1, "out of luck");
    return y;
  };
  const Tensor y = sum_to(checkpoint(failing, {&x, 1})[0], {});
  CHECK_THROWS_WITH(y.backward(), "out of luck");
  CHECK(!is_recomputing());
  CHECK(default_generator().claim().offset == 1);
}
