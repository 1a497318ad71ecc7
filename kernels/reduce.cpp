#include "kernels/reduce.plan.h"

namespace lv::kernels {

int64_t reduce_workspace(const ReduceArgs& args) {
  const ReducePlan plan = plan_reduce(args);
  return plan.chunks == 1 ? 0 : plan.chunks * plan.outputs.count * int64_t(sizeof(double));
}

}  // namespace lv::kernels
