#include "models/residual_block.h"

#include "autograd/grad_mode.h"

namespace lv::models {

namespace {

std::unique_ptr<Projection> make_projection(const BlockOptions& options, int64_t out) {
  return options.stride == 1 && options.in == out ? nullptr
                                                  : std::make_unique<Projection>(options.in, out, options.stride);
}

}  // namespace

Projection::Projection(int64_t in, int64_t out, int64_t stride) : layers_(in, out, {.stride = stride}) {
  add("0", layers_.conv);
  add("1", layers_.norm);
}

BasicBlock::BasicBlock(const BlockOptions& options)
    : first_(options.in, options.planes, {.kernel = 3, .stride = options.stride}),
      second_(options.planes, options.planes, {.kernel = 3}),
      downsample_(make_projection(options, options.planes)) {
  LV_CHECK(options.groups == 1 && options.width_per_group == 64,
           "BasicBlock: has neither groups nor a width of its own, got {} groups of width {}", options.groups,
           options.width_per_group);
  add("conv1", first_.conv);
  add("bn1", first_.norm);
  add("conv2", second_.conv);
  add("bn2", second_.norm);
  if (downsample_ != nullptr) {
    add("downsample", *downsample_);
  }
}

Tensor BasicBlock::forward(const Tensor& x) {
  const autograd::CallScope scope("BasicBlock");
  return second_.forward_add_relu(first_.forward_relu(x), downsample_ != nullptr ? downsample_->forward(x) : x);
}

Bottleneck::Bottleneck(const BlockOptions& options)
    : Bottleneck(options, options.planes * options.width_per_group / 64 * options.groups) {}

Bottleneck::Bottleneck(const BlockOptions& options, int64_t width)
    : reduce_(options.in, width, {}),
      spatial_(width, width, {.kernel = 3, .stride = options.stride, .groups = options.groups}),
      expand_(width, kExpansion * options.planes, {}),
      downsample_(make_projection(options, kExpansion * options.planes)) {
  add("conv1", reduce_.conv);
  add("bn1", reduce_.norm);
  add("conv2", spatial_.conv);
  add("bn2", spatial_.norm);
  add("conv3", expand_.conv);
  add("bn3", expand_.norm);
  if (downsample_ != nullptr) {
    add("downsample", *downsample_);
  }
}

Tensor Bottleneck::forward(const Tensor& x) {
  const autograd::CallScope scope("Bottleneck");
  const Tensor inner = spatial_.forward_relu(reduce_.forward_relu(x));
  return expand_.forward_add_relu(inner, downsample_ != nullptr ? downsample_->forward(x) : x);
}

}  // namespace lv::models
