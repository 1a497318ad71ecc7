// The loop around a small task whose data are numbers drawn by position.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "apps/train/determinism.h"
#include "apps/train/trainer.h"
#include "core/generator.h"
#include "nn/containers.h"
#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/elementwise.h"
#include "ops/losses.h"
#include "tests/core/scratch_folder.h"

using namespace lv;
using namespace lv::train;
using Catch::Contains;
using test::ScratchFolder;

namespace {

constexpr int64_t kRows = 8;
constexpr int64_t kBatches = 5;

class Net final : public nn::Module {
 public:
  explicit Net(int64_t width) : fc1_(4, width), norm_(width), fc2_(width, 1) {
    add("fc1", fc1_);
    add("norm", norm_);
    add("fc2", fc2_);
    add("drop", drop_);
  }
  Tensor forward(const Tensor& x) { return fc2_.forward(drop_.forward(norm_.forward_relu(fc1_.forward(x)))); }

 private:
  nn::Linear fc1_;
  nn::BatchNorm norm_;
  nn::Linear fc2_;
  nn::Dropout drop_{0.3};
};

/// Learns the sum of four numbers. The value at `poison` of the run's batches is not a number.
class SumTask final : public Task {
 public:
  explicit SumTask(int64_t width = 6) : net_(width) {}

  nn::Module& model() override { return net_; }
  [[nodiscard]] SafetensorsMetadata about() const override { return {{"model", "sum"}}; }
  [[nodiscard]] int64_t batches_per_epoch() const override { return kBatches; }
  void load_batch() override {
    const PhiloxKey key{7, uint64_t(next_)};
    std::vector<float> x;
    std::vector<float> y;
    for (int64_t row = 0; row < kRows; ++row) {
      float sum = 0;
      for (int64_t i = 0; i < 4; ++i) {
        x.push_back(random_uniform(key, row * 4 + i));
        sum += x.back();
      }
      y.push_back(sum);
    }
    if (next_ == poison) {
      x[5] = std::nanf("");
    }
    input_ = Tensor::from(x, {kRows, 4});
    target_ = Tensor::from(y, {kRows, 1});
    seen.push_back(next_);
    ++next_;
  }
  [[nodiscard]] std::vector<NamedTensor> batch() const override { return {{"numbers", input_}}; }
  StepResult step() override { return {ops::mse_loss(net_.forward(input_), target_), kRows}; }
  std::vector<NamedValue> evaluate(const EvaluationTick& tick) override {
    ++evaluations;
    if (!tick(1, 1)) {
      return {};
    }
    return {{"score", score}, {"loss", 1 - score}};
  }
  [[nodiscard]] std::vector<NamedPicture> pictures() const override { return {{"dot", Canvas(4, 4, kRed)}}; }
  void save(const StateWriter& writer) const override { writer.put("next", next_); }
  void load(const StateReader& reader) override { next_ = reader.get<int64_t>("next"); }

  int64_t poison = -1;
  double score = 0.5;
  int evaluations = 0;
  std::vector<int64_t> seen;

 private:
  Net net_;
  Tensor input_;
  Tensor target_;
  int64_t next_ = 0;
};

struct Setting {
  Recipe recipe{.lr = 0.05, .epochs = 4, .warmup_epochs = 1, .ema = 0.9};
  RunOptions run{.run_dir = "", .log_every = 2, .quiet = true};
};

uint64_t train_all(const Setting& setting, SumTask& task) {
  Console console(true);
  REQUIRE(run_task(task, setting.recipe, setting.run, "[run]\n", console) == 0);
  return hash_of(task.model().state_dict());
}

uint64_t train_fresh(const Setting& setting) {
  prepare(setting.run);
  SumTask task;
  return train_all(setting, task);
}

}  // namespace

TEST_CASE("a run leaves its folder complete") {
  const ScratchFolder folder;
  Setting setting;
  setting.run.run_dir = (folder / "run").string();
  train_fresh(setting);
  const auto path = [&](const char* name) { return folder.path() / "run" / name; };
  for (const char* name : {"config.toml", "log.txt", "metrics.jsonl", "env.txt", "curves.png", "report.png",
                           "checkpoints/last/model.safetensors", "checkpoints/best/state.json"}) {
    INFO(name);
    CHECK(std::filesystem::is_regular_file(path(name)));
  }
  CHECK_THAT(test::read_file(path("log.txt")), Contains("step 2/20  epoch 0.40  loss") && Contains("lr ") &&
                                                   Contains("ms_per_step") && Contains("data_wait_percent") &&
                                                   Contains("done: 20 steps, best evaluation 0.5"));
  CHECK_THAT(test::read_file(path("env.txt")), Contains("revision") && Contains("threads"));
  const SafetensorsFile model = load_model_file(path("checkpoints/last"));
  CHECK(model.metadata.at("model") == "sum");
  Console console(true);
  SumTask again;
  CHECK_THROWS_WITH(run_task(again, setting.recipe, setting.run, "", console), Contains("holds a run already"));
}

TEST_CASE("a run that ended early goes on with the bits of a whole one") {
  const auto precision = GENERATE(as<std::string>{}, "fp32", "bf16", "fp16");
  const ScratchFolder folder;
  Setting whole;
  whole.run.precision = precision;
  whole.recipe.accumulate = 2;
  whole.recipe.clip_norm = 0.5;
  whole.run.run_dir = (folder / "whole").string();
  const uint64_t expected = train_fresh(whole);

  Setting part = whole;
  part.run.run_dir = (folder / "part").string();
  part.run.checkpoint_every = 3;
  prepare(part.run);
  SumTask first;
  first.poison = 11;  // in its sixth update: three updates are lost
  Console console(true);
  CHECK_THROWS_WITH(run_task(first, part.recipe, part.run, "", console), Contains("step 6") && Contains("'numbers'"));
  part.run.resume = "auto";
  prepare({.seed = 99});  // what the generators held is in the checkpoint
  SumTask second;
  CHECK(train_all(part, second) == expected);
  CHECK(second.seen.front() == 8);  // went on after the evaluation's checkpoint at the fourth update
}

TEST_CASE("evaluations do not change the training") {
  const ScratchFolder folder;
  Setting often;
  often.run.run_dir = (folder / "often").string();
  Setting never = often;
  never.run.run_dir = (folder / "never").string();
  never.run.eval_every = 0;
  CHECK(train_fresh(often) == train_fresh(never));
}

TEST_CASE("the first bad tensor is named") {
  Setting setting;
  const ScratchFolder folder;
  setting.run.run_dir = (folder / "run").string();
  Console console(true);
  SECTION("a parameter") {
    SumTask task;
    task.model().named_parameters()[1].tensor.fill(HUGE_VAL);
    CHECK_THROWS_WITH(run_task(task, setting.recipe, setting.run, "", console),
                      Contains("step 1: the loss is") && Contains("parameter 'fc1.bias'"));
  }
  SECTION("a value of the batch") {
    SumTask task;
    task.poison = 2;
    CHECK_THROWS_WITH(run_task(task, setting.recipe, setting.run, "", console),
                      Contains("step 3") && Contains("'numbers' of the batch"));
  }
}

TEST_CASE("determinism is checked, and its absence noticed") {
  Setting setting;
  setting.run.check_determinism = 3;
  Console console(true);
  prepare(setting.run);
  SumTask task;
  CHECK(run_task(task, setting.recipe, setting.run, "", console) == 0);
  CHECK(task.seen == std::vector<int64_t>{0, 1, 2, 0, 1, 2});

  class Drifting final : public Task {
   public:
    nn::Module& model() override { return inner.model(); }
    [[nodiscard]] SafetensorsMetadata about() const override { return {}; }
    [[nodiscard]] int64_t batches_per_epoch() const override { return kBatches; }
    void load_batch() override { inner.load_batch(); }
    [[nodiscard]] std::vector<NamedTensor> batch() const override { return {}; }
    StepResult step() override { return inner.step(); }
    std::vector<NamedValue> evaluate(const EvaluationTick&) override { return {}; }
    [[nodiscard]] std::vector<NamedPicture> pictures() const override { return {}; }
    void save(const StateWriter&) const override {}
    void load(const StateReader&) override {}
    SumTask inner;
  } drifting;
  CHECK_THROWS_WITH(run_task(drifting, setting.recipe, setting.run, "", console),
                    Contains("not deterministic: the loss of batch 1"));
}

TEST_CASE("one batch is overfitted") {
  const ScratchFolder folder;
  Setting setting;
  setting.run.overfit_one_batch = true;
  setting.run.run_dir = (folder / "run").string();
  prepare(setting.run);
  SumTask task;
  train_all(setting, task);
  CHECK(task.seen == std::vector<int64_t>{0});
}

TEST_CASE("weights of another model are refused in one line") {
  const ScratchFolder folder;
  Setting setting;
  setting.run.run_dir = (folder / "run").string();
  train_fresh(setting);
  Console console(true);
  SumTask wide(7);
  setting.run.init.file = (folder.path() / "run/checkpoints/last").string();
  setting.run.run_dir = (folder / "other").string();
  CHECK_THROWS_WITH(run_task(wide, setting.recipe, setting.run, "", console),
                    Contains("is of another model than this run: its 'fc1.weight' is [6, 4], not [7, 4]"));
  setting.run.init.file.clear();
  setting.run.run_dir = (folder / "run").string();
  setting.run.resume = "auto";
  CHECK_THROWS_WITH(run_task(wide, setting.recipe, setting.run, "", console), Contains("is of another model"));
}

TEST_CASE("only evaluation: wants weights, changes nothing") {
  const ScratchFolder folder;
  Setting setting;
  setting.run.run_dir = (folder / "run").string();
  const uint64_t trained = train_fresh(setting);
  setting.run.eval_only = true;
  Console console(true);
  SumTask task;
  CHECK_THROWS_AS(run_task(task, setting.recipe, setting.run, "", console), UsageError);
  setting.run.init.file = (folder.path() / "run/checkpoints/last").string();
  CHECK(run_task(task, setting.recipe, setting.run, "", console) == 0);
  CHECK(task.evaluations == 1);
  CHECK(task.seen.empty());
  CHECK(hash_of(task.model().state_dict()) != trained);  // the checkpoint's are the averaged weights
}

TEST_CASE("the schedule warms up and falls") {
  Recipe recipe{.lr = 1.0, .schedule = "cosine", .epochs = 10, .warmup_epochs = 2, .lr_end = 0.1};
  CHECK(total_steps(recipe, 5) == 50);
  const auto cosine = make_schedule(recipe, 5);
  CHECK(cosine(0) == 0.0);
  CHECK(cosine(5) == Approx(0.5));
  CHECK(cosine(10) == Approx(1.0));
  CHECK(cosine(30) == Approx(0.55));
  CHECK(cosine(50) == Approx(0.1));
  recipe.schedule = "step";
  recipe.milestones = {4, 8};
  const auto step = make_schedule(recipe, 5);
  CHECK(step(19) == 1.0);
  CHECK(step(20) == Approx(0.1));
  CHECK(step(40) == Approx(0.01));
  recipe.max_steps = 7;
  CHECK(total_steps(recipe, 5) == 7);
}
