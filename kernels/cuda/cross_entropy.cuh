#pragma once

#include "kernels/cuda/softmax.cuh"

namespace lv::kernels::cuda {

template <class T>
struct CrossEntropyProblem {
  using A = ComputeType<T>;
  DeviceRows<const T> logits;
  DeviceRows<const T> targets;
  const int64_t* labels;  // or targets
  const A* weight;        // or null
  int64_t rows;
  int64_t classes;
  int64_t ignore_index;
  A certain;  // the share of the label or the targets in the target distribution
  A uniform;  // each class's part of the rest

  LV_DEVICE A class_weight(int64_t c) const { return weight == nullptr ? A(1) : weight[c]; }
  LV_DEVICE bool is_ignored(int64_t row) const { return labels != nullptr && labels[row] == ignore_index; }
  /// Only one class of the row has mass.
  LV_DEVICE bool is_single() const { return labels != nullptr && uniform == A(0); }
  /// The row's part in the mean's divisor; NaN for a label that is no class.
  LV_DEVICE A row_weight(int64_t row) const {
    if (labels == nullptr) {
      return A(1);
    }
    const int64_t label = labels[row];
    if (label == ignore_index) {
      return A(0);
    }
    return label >= 0 && label < classes ? class_weight(label) : std::numeric_limits<A>::quiet_NaN();
  }
  /// Weighted target mass of a class.
  LV_DEVICE A target_mass(int64_t row, int64_t c) const {
    const A share = labels == nullptr ? widen(targets.at(row, c)) : (labels[row] == c ? A(1) : A(0));
    return class_weight(c) * (share * certain + uniform);
  }
};

// Rows are walked as in softmax_rows_kernel.
template <class T>
__global__ void cross_entropy_kernel(CrossEntropyProblem<T> problem, ComputeType<T>* normalizers,
                                     ComputeType<T>* row_losses) {
  using A = ComputeType<T>;
  const int64_t row = row_of_thread();
  const bool is_inside = row < problem.rows;
  const ExpSum<A> total = row_exp_sum(problem.logits, row, is_inside ? problem.classes : 0);
  const A log_sum = std::log(total.sum);
  const A weight = is_inside ? problem.row_weight(row) : A(0);
  const bool has_loss = is_inside && !problem.is_ignored(row) && weight == weight;
  const int64_t columns = has_loss && !problem.is_single() ? problem.classes : 0;
  A loss = 0;
  for (int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
    loss += problem.target_mass(row, c) * (total.max - widen(problem.logits.at(row, c)) + log_sum);
  }
  loss = row_reduce(loss, simt::Plus{});
  if (threadIdx.x == 0 && is_inside) {
    if (!has_loss) {
      loss = weight;
    } else if (problem.is_single()) {
      loss = weight * (total.max - widen(problem.logits.at(row, problem.labels[row])) + log_sum);
    }
    normalizers[2 * row] = total.max;
    normalizers[2 * row + 1] = log_sum;
    row_losses[row] = loss;
  }
}

// One block per chunk of rows: the sums of their losses and weights.
template <class T>
__global__ void cross_entropy_chunk_kernel(CrossEntropyProblem<T> problem, const ComputeType<T>* row_losses,
                                           int64_t chunk_rows, ComputeType<T>* partials) {
  using A = ComputeType<T>;
  const int64_t first = blockIdx.x * chunk_rows;
  const int64_t end = first + chunk_rows < problem.rows ? first + chunk_rows : problem.rows;
  A loss = 0;
  A weight = 0;
  for (int64_t row = first + threadIdx.x; row < end; row += blockDim.x) {
    loss += row_losses[row];
    weight += problem.row_weight(row);
  }
  loss = simt::block_sum(loss);
  weight = simt::block_sum(weight);
  if (threadIdx.x == 0) {
    partials[2 * blockIdx.x] = loss;
    partials[2 * blockIdx.x + 1] = weight;
  }
}

// One block adds up the chunks.
template <class A>
__global__ void cross_entropy_total_kernel(const A* partials, int64_t chunks, bool is_mean, A* total) {
  A loss = 0;
  A weight = 0;
  for (int64_t k = threadIdx.x; k < chunks; k += blockDim.x) {
    loss += partials[2 * k];
    weight += partials[2 * k + 1];
  }
  loss = simt::block_sum(loss);
  weight = simt::block_sum(weight);
  if (threadIdx.x == 0) {
    total[0] = is_mean ? loss / weight : loss;
    total[1] = weight;
  }
}

template <class T>
__global__ void cross_entropy_grad_kernel(CrossEntropyProblem<T> problem, const ComputeType<T>* normalizers,
                                          const T* grad_loss, int64_t grad_step, const ComputeType<T>* divisor,
                                          T* grad_logits, T* grad_targets) {
  using A = ComputeType<T>;
  const int64_t row = row_of_thread();
  const bool is_inside = row < problem.rows;
  const int64_t columns = is_inside ? problem.classes : 0;
  const bool is_ignored = is_inside && problem.is_ignored(row);
  A mass = 0;
  for (int64_t c = threadIdx.x; c < (problem.is_single() ? 0 : columns); c += blockDim.x) {
    mass += problem.target_mass(row, c);
  }
  mass = row_reduce(mass, simt::Plus{});
  if (is_inside && problem.is_single()) {
    mass = problem.row_weight(row);
  }
  const A scale = divisor == nullptr ? A(1) : A(1) / *divisor;
  const A grad = is_inside ? widen(grad_loss[row * grad_step]) * scale : A(0);
  for (int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
    const A log_p = widen(problem.logits.at(row, c)) - normalizers[2 * row] - normalizers[2 * row + 1];
    if (grad_logits != nullptr) {
      const A value = is_ignored ? A(0) : (std::exp(log_p) * mass - problem.target_mass(row, c)) * grad;
      grad_logits[row * problem.classes + c] = convert<T>(value);
    }
    if (grad_targets != nullptr) {
      grad_targets[row * problem.classes + c] = convert<T>(-log_p * problem.class_weight(c) * (grad * problem.certain));
    }
  }
}

}  // namespace lv::kernels::cuda
