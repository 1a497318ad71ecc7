#pragma once

#include <memory>

#include "nn/containers.h"
#include "nn/conv2d.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/shape.h"

// Networks that tests train; names as in the public checkpoints.

namespace lv::test {

/// Two 3x3 convolutions beside a shortcut, which a 1x1 convolution adapts where size or channels change.
class BasicBlock final : public nn::Module {
 public:
  BasicBlock(int64_t in, int64_t out, int64_t stride)
      : conv1_(in, out, {3, 3}, {.conv = {.stride = {stride, stride}, .padding = {1, 1}}, .has_bias = false}),
        bn1_(out),
        conv2_(out, out, {3, 3}, {.conv = {.padding = {1, 1}}, .has_bias = false}),
        bn2_(out) {
    add("conv1", conv1_);
    add("bn1", bn1_);
    add("conv2", conv2_);
    add("bn2", bn2_);
    if (stride != 1 || in != out) {
      downsample_ = std::make_unique<Downsample>(in, out, stride);
      add("downsample", *downsample_);
    }
  }

  Tensor forward(const Tensor& x) {
    const Tensor inner = bn1_.forward_relu(conv1_.forward(x));
    return bn2_.forward_add_relu(conv2_.forward(inner), downsample_ ? downsample_->forward(x) : x);
  }

 private:
  class Downsample final : public nn::Module {
   public:
    Downsample(int64_t in, int64_t out, int64_t stride)
        : conv_(in, out, {1, 1}, {.conv = {.stride = {stride, stride}}, .has_bias = false}), bn_(out) {
      add("0", conv_);
      add("1", bn_);
    }
    Tensor forward(const Tensor& x) { return bn_.forward(conv_.forward(x)); }

   private:
    nn::Conv2d conv_;
    nn::BatchNorm bn_;
  };

  nn::Conv2d conv1_;
  nn::BatchNorm bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm bn2_;
  std::unique_ptr<Downsample> downsample_;
};

/// ResNet-18 for small pictures: a 3x3 stem without pooling, four stages of two blocks.
class ResNet18 final : public nn::Module {
 public:
  ResNet18(int64_t width, int64_t classes)
      : conv1_(3, width, {3, 3}, {.conv = {.padding = {1, 1}}, .has_bias = false}),
        bn1_(width),
        fc_(8 * width, classes) {
    add("conv1", conv1_);
    add("bn1", bn1_);
    int64_t channels = width;
    for (int stage = 0; stage < 4; ++stage) {
      const int64_t out = width << stage;
      stages_[stage].emplace_back(channels, out, stage == 0 ? 1 : 2);
      stages_[stage].emplace_back(out, out, 1);
      add("layer" + std::to_string(stage + 1), stages_[stage]);
      channels = out;
    }
    add("fc", fc_);
  }

  /// images: [N, H, W, 3] -> logits [N, classes]
  Tensor forward(const Tensor& images) {
    Tensor x = bn1_.forward_relu(conv1_.forward(images));
    for (auto& stage : stages_) {
      for (auto& block : stage) {
        x = block->forward(x);
      }
    }
    return fc_.forward(ops::flatten(ops::global_avg_pool(x), 1));
  }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm bn1_;
  nn::ModuleList<BasicBlock> stages_[4];
  nn::Linear fc_;
};

}  // namespace lv::test
