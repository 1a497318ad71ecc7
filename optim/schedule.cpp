#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace lv::optim {

namespace {

void check_positive(std::string_view who, int64_t steps) {
  LV_CHECK(steps > 0, "schedule: {} wants a number of steps above 0, got {}", who, steps);
}

/// How far step is on the way to `steps`, in [0, 1].
double progress(int64_t step, int64_t steps) { return std::clamp(double(step) / double(steps), 0.0, 1.0); }

}  // namespace

Schedule constant(double value) {
  return [=](int64_t) { return value; };
}

Schedule linear(double begin, double end, int64_t steps) {
  check_positive("linear", steps);
  return [=](int64_t step) { return begin + (end - begin) * progress(step, steps); };
}

Schedule cosine(double begin, double end, int64_t steps) {
  check_positive("cosine", steps);
  return [=](int64_t step) {
    return end + 0.5 * (begin - end) * (1 + std::cos(std::numbers::pi * progress(step, steps)));
  };
}

Schedule polynomial(double begin, double end, int64_t steps, double power) {
  check_positive("polynomial", steps);
  return [=](int64_t step) { return end + (begin - end) * std::pow(1 - progress(step, steps), power); };
}

Schedule step_decay(double begin, double factor, int64_t interval) {
  check_positive("step_decay", interval);
  return [=](int64_t step) {
    const int64_t passed = step / interval;
    return begin * std::pow(factor, double(passed));
  };
}

Schedule multi_step(double begin, double factor, std::vector<int64_t> milestones) {
  LV_CHECK(std::is_sorted(milestones.begin(), milestones.end()), "schedule: milestones must ascend, got {}",
           fmt::join(milestones, ", "));
  return [=, milestones = std::move(milestones)](int64_t step) {
    const auto reached = std::upper_bound(milestones.begin(), milestones.end(), step) - milestones.begin();
    return begin * std::pow(factor, double(reached));
  };
}

Schedule with_warmup(double begin, int64_t steps, Schedule schedule) {
  check_positive("with_warmup", steps);
  return [=, schedule = std::move(schedule)](int64_t step) {
    return step < steps ? begin + (schedule(steps) - begin) * progress(step, steps) : schedule(step);
  };
}

Schedule then(Schedule first, int64_t steps, Schedule second) {
  return [=, first = std::move(first), second = std::move(second)](int64_t step) {
    return step < steps ? first(step) : second(step - steps);
  };
}

}  // namespace lv::optim
