#include "autograd/context.h"

#include "autograd/basic_ops.h"
#include "autograd/registry.h"

namespace lv::autograd {

Context::Context(std::string_view op, Inputs in, OutputSpecs specs, bool is_recorded)
    : op_(op), output_specs_(std::move(specs)), is_recorded_(is_recorded) {
  bool has_device = false;
  LV_CHECK(in.size() <= 64, "{}: takes at most 64 tensors, got {}", op, in.size());
  input_specs_.reserve(int(in.size()));
  for (size_t i = 0; i < in.size(); ++i) {
    const Tensor& tensor = in[i];
    if (!tensor.defined()) {
      input_specs_.push_back({});
      continue;
    }
    LV_CHECK_DEVICE(!has_device || tensor.device() == device_, "{}: input {} is on {}, the inputs before it on {}", op,
                    i, tensor.device(), device_);
    device_ = tensor.device();
    has_device = true;
    input_specs_.push_back({tensor.shape(), tensor.dtype()});
    if (is_recorded && tensor.requires_grad()) {
      needs_grad_ |= uint64_t(1) << i;
    }
  }
}

Tensor Context::new_output(int i) const { return new_empty(output_specs_[i].shape, output_specs_[i].dtype); }

Tensor Context::new_output_like(Inputs in) const {
  const auto& [shape, dtype] = output_specs_[0];
  for (const Tensor& x : in) {
    if (x.defined() && x.shape() == shape) {
      return x.empty_like(dtype, device_);
    }
  }
  return new_output();
}

void Context::save_output(const Tensor& output, int index) {
  if (is_recorded_) {
    saved_.push_back(SavedTensor(output, index));
  }
}

Tensor Context::dense(const Tensor& tensor) const {
  if (!tensor.defined() || tensor.is_contiguous()) {
    return tensor;
  }
  ++op_statistics(op_).contiguous_copies;
  return copy_contiguous(tensor);
}

Tensor Context::saved(int i) const {
  LV_CHECK(!is_released_,
           "{}: this graph has been differentiated already and its saved tensors are freed; "
           "pass retain_graph to the first backward",
           op_);
  return saved_[i].unpack(*owner_, op_, i);
}

void Context::release_saved() {
  saved_.clear();
  is_released_ = true;
}

}  // namespace lv::autograd
