#include "models/resnet.h"

#include "autograd/grad_mode.h"
#include "models/residual_block.h"
#include "ops/pool.h"
#include "ops/shape.h"

namespace lv::models {

namespace {

ConvNorm::Options stem_options(Stem stem) {
  return stem == Stem::imagenet ? ConvNorm::Options{.kernel = 7, .stride = 2} : ConvNorm::Options{.kernel = 3};
}

}  // namespace

ResNet::ResNet(const ResNetShape& shape, const ClassifierOptions& options)
    : stem_kind_(options.stem), stem_(3, options.width, stem_options(options.stem)) {
  LV_CHECK(options.classes >= 1 && options.width >= 1,
           "ResNet: wants at least one class and one channel, got {} and {}", options.classes, options.width);
  add("conv1", stem_.conv);
  add("bn1", stem_.norm);
  if (shape.block == ResNetShape::Block::basic) {
    add_stages<BasicBlock>(shape, options);
  } else {
    add_stages<Bottleneck>(shape, options);
  }
}

template <class Block>
void ResNet::add_stages(const ResNetShape& shape, const ClassifierOptions& options) {
  int64_t channels = options.width;
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    const int64_t planes = options.width << stage;
    for (int i = 0; i < shape.depths[stage]; ++i) {
      Block& block =
          stages_[stage].template emplace_back<Block>(BlockOptions{.in = channels,
                                                                   .planes = planes,
                                                                   .stride = stage > 0 && i == 0 ? 2 : 1,
                                                                   .groups = shape.groups,
                                                                   .width_per_group = shape.width_per_group});
      channels = Block::kExpansion * planes;
      if (options.zero_init_residual) {
        block.last_norm().weight.fill(0.0);
      }
    }
    add("layer" + std::to_string(stage + 1), stages_[stage]);
  }
  fc_ = std::make_unique<nn::Linear>(channels, options.classes);
  add("fc", *fc_);
}

Tensor ResNet::forward(const Tensor& images) {
  const autograd::CallScope scope("ResNet");
  LV_CHECK_SHAPE(images.rank() == 4 && images.size(3) == 3, "ResNet: images must be [N, H, W, 3], got {}",
                 images.shape());
  Tensor x = stem_.forward_relu(images);
  if (stem_kind_ == Stem::imagenet) {
    x = ops::max_pool2d(x, {.kernel = {3, 3}, .stride = ops::Size2d{2, 2}, .padding = {1, 1}});
  }
  for (const nn::Sequential& stage : stages_) {
    x = stage.forward(x);
  }
  return fc_->forward(ops::flatten(ops::global_avg_pool(x), 1));
}

}  // namespace lv::models
