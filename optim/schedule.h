#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lv::optim {

/// A value (learning rate, weight decay, momentum) for every step, counted from 0. Schedules are pure functions of the
/// step: nothing to save, and any step may be asked for.
using Schedule = std::function<double(int64_t step)>;

Schedule constant(double value);
/// From `begin` at step 0 to `end` at step `steps`, then `end`.
Schedule linear(double begin, double end, int64_t steps);
/// Half a cosine from `begin` at step 0 to `end` at step `steps`, then `end`.
Schedule cosine(double begin, double end, int64_t steps);
/// end + (begin - end) (1 - step / steps)^power, then `end`: the "poly" schedule.
Schedule polynomial(double begin, double end, int64_t steps, double power);
/// `begin` times `factor` for every `interval` steps passed.
Schedule step_decay(double begin, double factor, int64_t interval);
/// `begin` times `factor` for every milestone reached. Milestones ascend.
Schedule multi_step(double begin, double factor, std::vector<int64_t> milestones);

/// `schedule` from step `steps` on, and a straight line from `begin` to its value there before: steps are counted from
/// the start of the warm-up.
Schedule with_warmup(double begin, int64_t steps, Schedule schedule);
/// `first` for `steps` steps, then `second`, which counts from 0 again.
Schedule then(Schedule first, int64_t steps, Schedule second);

}  // namespace lv::optim
