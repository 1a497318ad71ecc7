#include "autograd/checkpoint.h"

#include <catch2/catch.hpp>

#include "autograd/basic_ops.h"
#include "autograd/context.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "core/allocator.h"
#include "tests/autograd/square.h"

using namespace lv;
using namespace lv::autograd;
using Catch::Contains;
using lv::test::square;

namespace {

Tensor run(const Segment& segment, const Tensor& x) { return checkpoint(segment, {&x, 1})[0]; }

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
