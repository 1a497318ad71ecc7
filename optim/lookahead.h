#pragma once

#include <memory>

#include "optim/optimizer.h"

namespace lv::optim {

struct LookaheadOptions {
  int interval = 6;   // steps of the inner optimizer between two of the slow weights
  double rate = 0.5;  // how far the slow weights go
};

/// Another optimizer whose parameters are pulled back every `interval` steps: slow += rate (p - slow), p = slow. Slow
/// weights begin at the parameters' values at construction.
class Lookahead final : public Optimizer {
 public:
  explicit Lookahead(std::unique_ptr<Optimizer> inner, const LookaheadOptions& options = {});

  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 protected:
  void update(double grad_scale) override;

 private:
  std::unique_ptr<Optimizer> inner_;
  LookaheadOptions options_;
};

}  // namespace lv::optim
