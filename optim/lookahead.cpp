#include "optim/lookahead.h"

namespace lv::optim {

Lookahead::Lookahead(std::unique_ptr<Optimizer> inner, const LookaheadOptions& options)
    : Optimizer("lookahead", inner->parameters(), inner->lr(), inner->weight_decay(), {"slow"}),
      inner_(std::move(inner)),
      options_(options) {
  LV_CHECK(options_.interval > 0, "lookahead: interval must be above 0, got {}", options_.interval);
  for (size_t i = 0; i < parameters().size(); ++i) {
    state(i, 0).copy_from(parameters()[i].tensor);
  }
}

void Lookahead::update(double grad_scale) {
  inner_->set_lr(lr());
  inner_->set_weight_decay(weight_decay());
  inner_->step(grad_scale);
  if (step_count() % options_.interval == 0) {
    for (const kernels::UpdateTable& table : tables(Listed::all)) {
      kernels::update_lookahead({table, {options_.rate}}, stream());
    }
  }
}

void Lookahead::save(const StateWriter& writer) const {
  Optimizer::save(writer);
  inner_->save(writer.scope("inner"));
}

void Lookahead::load(const StateReader& reader) {
  Optimizer::load(reader);
  inner_->load(reader.scope("inner"));
}

}  // namespace lv::optim
