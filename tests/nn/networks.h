#pragma once

#include <memory>

#include "nn/attention.h"
#include "nn/containers.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/basic.h"
#include "ops/elementwise.h"
#include "ops/pool.h"
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

/// Layer norms before attention and before a two-layer perceptron, both beside a shortcut and
/// with dropout.
class TransformerBlock final : public nn::Module {
 public:
  TransformerBlock(int64_t channels, int heads)
      : norm1_(channels), attn_(channels, heads), norm2_(channels), mlp_(channels, 4 * channels) {
    add("norm1", norm1_);
    add("attn", attn_);
    add("norm2", norm2_);
    add("mlp", mlp_);
    add("drop_path", drop_path_);
  }

  Tensor forward(const Tensor& tokens) {
    const Tensor x = tokens + drop_path_.forward(attn_.forward(norm1_.forward(tokens)));
    return x + drop_path_.forward(mlp_.forward(norm2_.forward(x)));
  }

 private:
  class Mlp final : public nn::Module {
   public:
    Mlp(int64_t channels, int64_t hidden) : fc1_(channels, hidden), fc2_(hidden, channels) {
      add("fc1", fc1_);
      add("fc2", fc2_);
      add("drop", drop_);
    }
    Tensor forward(const Tensor& x) { return drop_.forward(fc2_.forward(ops::gelu(fc1_.forward(x)))); }

   private:
    nn::Linear fc1_;
    nn::Linear fc2_;
    nn::Dropout drop_{0.1};
  };

  nn::LayerNorm norm1_;
  nn::MultiHeadAttention attn_;
  nn::LayerNorm norm2_;
  Mlp mlp_;
  nn::DropPath drop_path_{0.2};
};

/// A vision transformer of two blocks over patches of 4 x 4 pixels and a class token.
class SmallViT final : public nn::Module {
 public:
  SmallViT(int64_t size, int64_t channels, int heads, int64_t classes)
      : cls_token_(Tensor::empty({1, 1, channels})),
        pos_embed_(Tensor::empty({1, size / 4 * (size / 4) + 1, channels})),
        patch_embed_(3, channels, {4, 4}, {.conv = {.stride = {4, 4}}}),
        norm_(channels),
        head_(channels, classes) {
    nn::init::truncated_normal(cls_token_, 0, 0.02);
    nn::init::truncated_normal(pos_embed_, 0, 0.02);
    add_parameter("cls_token", cls_token_);
    add_parameter("pos_embed", pos_embed_);
    add("patch_embed", patch_embed_);
    for (int i = 0; i < 2; ++i) {
      blocks_.emplace_back(channels, heads);
    }
    add("blocks", blocks_);
    add("norm", norm_);
    add("head", head_);
  }

  /// images: [N, size, size, 3] -> logits [N, classes]
  Tensor forward(const Tensor& images) {
    const Tensor patches = ops::flatten(patch_embed_.forward(images), 1, 2);
    const Tensor cls = ops::expand(cls_token_, {images.size(0), 1, cls_token_.size(-1)});
    Tensor x = ops::concat({cls, ops::cast(patches, cls.dtype())}, 1) + pos_embed_;
    for (auto& block : blocks_) {
      x = block->forward(x);
    }
    return head_.forward(norm_.forward(ops::select(x, 1, 0)));
  }

 private:
  Tensor cls_token_;
  Tensor pos_embed_;
  nn::Conv2d patch_embed_;
  nn::ModuleList<TransformerBlock> blocks_;
  nn::LayerNorm norm_;
  nn::Linear head_;
};

}  // namespace lv::test
