#include "apps/train/determinism.h"

#include <bit>

namespace lv::train {

namespace {

struct Trace {
  std::vector<double> losses;
  std::vector<uint64_t> hashes;  // of each tensor of the model
};

uint64_t hash_bits(uint64_t hash, const Tensor& tensor) {
  constexpr uint64_t kPrime = 0x100000001B3;  // FNV-1a
  const Tensor host = tensor.to(Device::cpu()).contiguous();
  const auto* const bytes = static_cast<const uint8_t*>(host.raw_data());
  for (int64_t i = 0; i < host.size_bytes(); ++i) {
    hash = (hash ^ bytes[i]) * kPrime;
  }
  return hash;
}

constexpr uint64_t kHashStart = 0xCBF29CE484222325;

Trace run_steps(Task& task, Stepper& stepper, int64_t steps, Console& console, int pass) {
  task.model().train();
  Trace trace;
  for (int64_t i = 0; i < steps; ++i) {
    for (const Tensor& loss : stepper.step(false).losses) {
      trace.losses.push_back(loss.item());
    }
    console.progress("determinism", (double(pass) + double(i + 1) / double(steps)) / 2, "");
  }
  for (const NamedTensor& entry : task.model().state_dict()) {
    trace.hashes.push_back(hash_bits(kHashStart, entry.tensor));
  }
  return trace;
}

/// The tensors of a checkpoint are those in use: a copy stays as it is.
Checkpoint copy_of(Checkpoint checkpoint) {
  for (NamedTensor& entry : checkpoint.model) {
    entry.tensor = entry.tensor.clone();
  }
  for (auto& [name, value] : checkpoint.state) {
    if (auto* tensor = std::get_if<Tensor>(&value)) {
      *tensor = tensor->clone();
    }
  }
  return checkpoint;
}

}  // namespace

uint64_t hash_of(const std::vector<NamedTensor>& tensors) {
  uint64_t hash = kHashStart;
  for (const NamedTensor& entry : tensors) {
    hash = hash_bits(hash, entry.tensor);
  }
  return hash;
}

int check_determinism(Task& task, Stepper& stepper, int64_t steps, Console& console) {
  const Checkpoint start = copy_of(stepper.save());
  const Trace first = run_steps(task, stepper, steps, console, 0);
  stepper.load(start);
  const Trace second = run_steps(task, stepper, steps, console, 1);
  for (size_t i = 0; i < first.losses.size(); ++i) {
    LV_CHECK(std::bit_cast<uint64_t>(first.losses[i]) == std::bit_cast<uint64_t>(second.losses[i]),
             "not deterministic: the loss of batch {} is {} and {}", i + 1, first.losses[i], second.losses[i]);
  }
  const std::vector<NamedTensor> model = task.model().state_dict();
  for (size_t i = 0; i < model.size(); ++i) {
    LV_CHECK(first.hashes[i] == second.hashes[i], "not deterministic: '{}' differs after {} steps", model[i].name,
             steps);
  }
  console.line(
      fmt::format("deterministic: {} steps twice, equal losses, equal weights {:016x}", steps, hash_of(model)));
  return 0;
}

}  // namespace lv::train
