#pragma once

#include "core/philox.h"
#include "core/tensor.h"

namespace lv::train {

/// How pairs of pictures of a batch are mixed; 0 switches a way off. With both on, each batch takes one by a coin.
struct MixingOptions {
  double mixup = 0;   // alpha of the Beta distribution of the share
  double cutmix = 0;  // the same
};

struct MixedBatch {
  Tensor images;   // f32 [N, H, W, C]
  Tensor targets;  // f32 [N, classes], the mixed labels
};

/// Mixes each picture with the one before it, the first with the last, as torchvision's MixUp and CutMix do: with one
/// share, Beta(alpha, alpha), for the whole batch. mixup blends the pictures, cutmix exchanges a rectangle of that
/// share. images: f32 [N, H, W, C] on the CPU; labels: i64 [N].
MixedBatch mix(const Tensor& images, const Tensor& labels, int64_t classes, const MixingOptions& options,
               PhiloxKey key);

/// A draw from Beta(alpha, alpha), alpha > 0, by Jöhnk's or Cheng's rejection.
double draw_beta(double alpha, PhiloxKey key);

}  // namespace lv::train
