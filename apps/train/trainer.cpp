#include "apps/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "apps/train/determinism.h"
#include "apps/train/environment.h"
#include "apps/train/profiler.h"
#include "apps/train/report_page.h"
#include "apps/train/run_folder.h"
#include "apps/train/signals.h"
#include "autograd/grad_mode.h"
#include "core/allocator.h"
#include "core/cuda/driver.h"
#include "core/generator.h"
#include "core/op_hook.h"
#include "core/parallel.h"

namespace lv::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string values_text(const std::vector<NamedValue>& values) {
  std::string text;
  for (const NamedValue& value : values) {
    text += fmt::format("{}{} {:.5g}", text.empty() ? "" : "  ", value.name, value.value);
  }
  return text;
}

/// Measures the model; empty when a signal came first.
std::vector<NamedValue> evaluate(Task& task, Stepper& stepper, Console& console) {
  const OpScope scope("evaluate");
  std::vector<NamedValue> values;
  stepper.with_evaluated_weights([&] {
    const autograd::NoGradGuard no_grad;
    task.model().eval();
    values = task.evaluate([&](int64_t done, int64_t total) {
      console.progress("evaluation", double(done) / double(total), "");
      return !StopSignals::requested();
    });
    task.model().train();
  });
  return values;
}

/// What has been measured since the last line of the log.
class Window {
 public:
  explicit Window(Device device) : device_(device) {}

  void add(StepReport report) {
    samples_ += report.samples;
    wait_seconds_ += report.wait_seconds;
    reports_.push_back(std::move(report));
  }

  /// Reads the losses, and begins anew. Throws for a loss that is not finite.
  MetricRecord close(const Stepper& stepper) {
    double loss = 0;
    int64_t count = 0;
    for (const StepReport& report : reports_) {
      stepper.check_losses(report);
      for (const Tensor& tensor : report.losses) {
        loss += tensor.item();
        ++count;
      }
    }
    const double seconds = seconds_since(start_);
    MetricRecord record{"train", stepper.steps(), stepper.epoch(), {}};
    record.values = {{"loss", loss / double(count)}, {"lr", reports_.back().lr}};
    if (const Tensor& norm = reports_.back().grad_norm; norm.defined()) {
      record.values.push_back({"grad_norm", norm.item()});
    }
    record.values.push_back({"ms_per_step", 1000 * seconds / double(reports_.size())});
    record.values.push_back({"images_per_s", double(samples_) / seconds});
    record.values.push_back({"data_wait_percent", 100 * wait_seconds_ / seconds});
    record.values.push_back({"memory_mb", double(allocator(device_).stats().peak_reserved_bytes) / 1e6});
    if (stepper.loss_scale() != 1) {
      record.values.push_back({"loss_scale", stepper.loss_scale()});
    }
    restart();
    return record;
  }

  /// Forgets the time that passed in other work than steps.
  void restart() {
    reports_.clear();
    samples_ = 0;
    wait_seconds_ = 0;
    start_ = Clock::now();
  }

 private:
  Device device_;
  std::vector<StepReport> reports_;
  int64_t samples_ = 0;
  double wait_seconds_ = 0;
  Clock::time_point start_ = Clock::now();
};

std::string step_line(const MetricRecord& record, int64_t total) {
  std::string line = fmt::format("step {}/{}  epoch {:.2f}", record.step, total, record.epoch);
  for (const NamedValue& value : record.values) {
    line += fmt::format("  {} {:.4g}", value.name, value.value);
  }
  return line;
}

/// The loop, and what it leaves in the run folder.
class Training {
 public:
  Training(Task& task, Stepper& stepper, const RunOptions& run, RunFolder& folder, Console& console, Device device)
      : task_(task),
        stepper_(stepper),
        run_(run),
        folder_(folder),
        console_(console),
        metrics_(folder.path(), stepper.steps()),
        window_(device),
        device_(device),
        total_(stepper.total_steps()),
        eval_interval_(run.eval_every > 0
                           ? std::max<int64_t>(1, std::llround(run.eval_every * double(stepper.steps_per_epoch())))
                           : 0) {}

  int run(const State* resumed) {
    if (resumed != nullptr) {
      const StateReader reader = StateReader(*resumed).scope("run");
      evaluated_step_ = reader.get<int64_t>("evaluated_step");
      has_best_ = reader.contains("best");
      best_ = has_best_ ? reader.get<double>("best") : 0;
    }
    saved_step_ = stepper_.steps();
    const StopSignals signals;
    task_.model().train();
    window_.restart();
    while (true) {
      if (is_evaluation_due() && !StopSignals::requested()) {
        evaluate_and_save();
      }
      if (StopSignals::requested() || stepper_.steps() >= total_) {
        break;
      }
      step();
    }
    if (saved_step_ != stepper_.steps()) {
      save(false);
    }
    return finish();
  }

 private:
  [[nodiscard]] bool is_evaluation_due() const {
    const int64_t step = stepper_.steps();
    return step > 0 && step != evaluated_step_ && eval_interval_ > 0 && (step % eval_interval_ == 0 || step == total_);
  }

  void step() {
    const int64_t next = stepper_.steps() + 1;
    const bool is_logged = next % run_.log_every == 0 || next == total_;
    start_profile();
    window_.add(stepper_.step(is_logged));
    if (is_logged) {
      MetricRecord record = window_.close(stepper_);
      console_.detail(step_line(record, total_));
      const auto& values = record.values;
      const auto rate = std::find_if(values.begin(), values.end(), [](auto& v) { return v.name == "images_per_s"; });
      summary_ = fmt::format("loss {:.4f}  {:.4g} images/s", values[0].value, rate->value);
      metrics_.add(std::move(record));
    }
    end_profile();  // begins a new window
    console_.progress("training", double(next) / double(total_), summary_);
    if (run_.checkpoint_every > 0 && next % run_.checkpoint_every == 0 && !is_evaluation_due()) {
      save(false);
    }
  }

  void evaluate_and_save() {
    std::vector<NamedValue> values = evaluate(task_, stepper_, console_);
    if (values.empty()) {
      return;  // stopped: the resumed run measures first
    }
    evaluated_step_ = stepper_.steps();
    const bool is_best = !has_best_ || values[0].value > best_;
    if (is_best) {
      has_best_ = true;
      best_ = values[0].value;
    }
    console_.line(fmt::format("step {}/{}  epoch {:.2f}  evaluation: {}{}", stepper_.steps(), total_, stepper_.epoch(),
                              values_text(values), is_best ? "  (best)" : ""));
    metrics_.add({"eval", stepper_.steps(), stepper_.epoch(), std::move(values)});
    for (const NamedPicture& picture : task_.pictures()) {
      metrics_.add_picture(picture, stepper_.steps());
    }
    save(is_best);
    window_.restart();
  }

  void save(bool is_best) {
    Checkpoint checkpoint = stepper_.save();
    const StateWriter root(checkpoint.state);
    const StateWriter writer = root.scope("run");
    writer.put("evaluated_step", evaluated_step_);
    if (has_best_) {
      writer.put("best", best_);
    }
    folder_.checkpoints().save(stepper_.steps(), checkpoint, is_best);
    saved_step_ = stepper_.steps();
  }

  int finish() {
    const std::vector<NamedPicture> pictures = task_.pictures();
    save_report(folder_.path(), metrics_, pictures);
    if (stepper_.steps() < total_) {
      console_.line(fmt::format("stopped: resumable at step {} with --resume auto", stepper_.steps()));
    } else {
      console_.line(fmt::format("done: {} steps{}; {}", stepper_.steps(),
                                has_best_ ? fmt::format(", best evaluation {:.5g}", best_) : "",
                                (folder_.path() / "report.png").string()));
    }
    return 0;
  }

  // The first steps, in which memory is taken and threads start, are left out.
  static constexpr int64_t kStepsBeforeProfile = 2;

  void start_profile() {
    if (run_.profile > 0 && steps_here_++ == kStepsBeforeProfile) {
      profiler_.emplace(device_);
    }
  }

  void end_profile() {
    if (profiler_.has_value() && (steps_here_ == kStepsBeforeProfile + run_.profile || stepper_.steps() == total_)) {
      const std::vector<TraceEvent> events = profiler_->stop();
      profiler_.reset();
      const auto path = folder_.path() / "trace.json";
      save_trace(path, events);
      console_.line(fmt::format("{} steps profiled: {}\n{}", steps_here_ - kStepsBeforeProfile, path.string(),
                                costliest_ops(events, 10)));
      window_.restart();
    }
  }

  Task& task_;
  Stepper& stepper_;
  const RunOptions& run_;
  RunFolder& folder_;
  Console& console_;
  Metrics metrics_;
  Window window_;
  Device device_;
  int64_t total_;
  int64_t eval_interval_;  // steps; 0: never
  int64_t saved_step_ = 0;
  int64_t evaluated_step_ = 0;
  bool has_best_ = false;
  double best_ = 0;
  int64_t steps_here_ = 0;
  std::optional<Profiler> profiler_;
  std::string summary_;
};

std::optional<DType> autocast_of(const std::string& precision) {
  return precision == "bf16"   ? std::optional(DType::bf16)
         : precision == "fp16" ? std::optional(DType::f16)
                               : std::nullopt;
}

}  // namespace

void add_options(Options& options, RunOptions& run) {
  const auto add = [&options](const char* name, Options::Target target, const char* help, OptionLimits limits = {}) {
    options.add("run", name, target, help, std::move(limits));
  };
  add("run-dir", &run.run_dir, "folder of the run: log, metrics, pictures, checkpoints");
  add("resume", &run.resume, "auto: go on where the folder's run ended", {.choices = {"no", "auto"}});
  add("init", &run.init.file, "start with the weights of a checkpoint, a .safetensors or a PyTorch file");
  add("init-prefix", &run.init.prefix, "take the entries of --init below this, as in state_dict.module.");
  add("init-except", &run.init.except, "weights that begin with this stay new: a last layer for other classes");
  add("eval-only", &run.eval_only, "measure the weights of --init, and end");
  add("device", &run.device, "where to compute", {.choices = {"cpu", "cuda"}});
  add("precision", &run.precision, "of products and convolutions", {.choices = {"fp32", "bf16", "fp16"}});
  add("threads", &run.threads, "0: all that the process may use", {.min = 0, .max = 4096});
  add("seed", &run.seed, "of starting values, order and augmentation", {.min = 0});
  add("log-every", &run.log_every, "steps between two lines of the log", {.min = 1});
  add("eval-every", &run.eval_every, "epochs between two evaluations (0: never)", {.min = 0});
  add("checkpoint-every", &run.checkpoint_every, "steps (0: after evaluations only)", {.min = 0});
  add("keep-checkpoints", &run.keep_checkpoints, "so many of the last, besides the best", {.min = 1});
  add("profile", &run.profile, "trace so many steps, in trace.json", {.min = 0});
  add("check-determinism", &run.check_determinism, "do so many steps twice, compare all bits, and end", {.min = 0});
  add("overfit-one-batch", &run.overfit_one_batch, "train on the first batch only");
  add("quiet", &run.quiet, "print nothing but errors");
}

Device parse_device(const std::string& name) {
  if (name == "cpu") {
    return Device::cpu();
  }
  LV_CHECK_AS(UsageError, cuda::device_count() > 0, "--device cuda: there is no CUDA device, or no driver for it");
  return Device::cuda();
}

void prepare(const RunOptions& run) {
  if (run.threads > 0) {
    set_num_threads(int(run.threads));
  }
  manual_seed(uint64_t(run.seed));
}

int run_task(Task& task, const Recipe& recipe, const RunOptions& run, const std::string& config, Console& console) {
  const Device device = parse_device(run.device);
  LV_CHECK_AS(UsageError, !run.eval_only || !run.init.file.empty(),
              "--eval-only: wants the weights to measure, --init");
  task.model().to(device);
  if (!run.init.file.empty()) {
    load_init(task.model(), run.init);
  }
  Stepper stepper(task, {recipe, device, autocast_of(run.precision), run.overfit_one_batch});
  if (run.eval_only) {
    const StopSignals signals;
    console.line(values_text(evaluate(task, stepper, console)));
    return 0;
  }
  if (run.check_determinism > 0) {
    return check_determinism(task, stepper, run.check_determinism, console);
  }
  RunFolder folder(run.run_dir, run.resume == "auto", run.keep_checkpoints, config, console);
  std::optional<Checkpoint> resumed;
  if (const auto last = folder.checkpoints().last()) {
    resumed = load_checkpoint(*last);
    stepper.load(*resumed);
    console.line(fmt::format("resumed at step {}: {}", stepper.steps(), last->string()));
  }
  folder.write_environment(environment_text(device));
  console.line(fmt::format("{}: {} steps in {}", resumed ? "training goes on" : "training", stepper.total_steps(),
                           folder.path().string()));
  Training training(task, stepper, run, folder, console, device);
  return training.run(resumed ? &resumed->state : nullptr);
}

}  // namespace lv::train
