#pragma once

#include <span>

#include "core/tensor.h"
#include "optim/update_tables.h"

namespace lv::optim {

/// Keeps a teacher at the moving average of a student: teacher = momentum teacher + (1 - momentum) student. Tensors are
/// matched by name; every one of the teacher's must be among the student's. What is given is averaged: normally
/// named_parameters(), with buffers the whole state dict (integer entries are copied).
class Ema {
 public:
  Ema(std::span<const NamedTensor> student, std::span<const NamedTensor> teacher, double momentum);

  [[nodiscard]] double momentum() const { return momentum_; }
  void set_momentum(double momentum);
  void update();

 private:
  struct Pair {
    Tensor student;
    Tensor teacher;
  };

  std::vector<Pair> averaged_;
  std::vector<Pair> copied_;
  double momentum_ = 0;
  UpdateTables tables_;
};

}  // namespace lv::optim
