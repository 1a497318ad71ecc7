#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/data/transforms.h"
#include "core/safetensors.h"
#include "models/classifier.h"

namespace lv::train {

/// What a classifier's file says about it: enough to build it again and to feed it.
struct ModelCard {
  std::string model;  // a name that models::make knows
  std::string stem = "imagenet";
  int64_t width = 64;
  std::vector<std::string> classes;
  int64_t image_size = 224;
  int64_t resize = 256;  // the shorter side before a crop of image_size; 0: pictures are resized to image_size itself
  std::string interpolation = "bilinear";
  data::Normalize normalize{};
};

SafetensorsMetadata to_metadata(const ModelCard& card);
/// Throws IoError that names `source` when something is missing or malformed.
ModelCard read_card(const SafetensorsMetadata& metadata, const std::string& source);

/// The network, with new weights.
std::unique_ptr<models::Classifier> build(const ModelCard& card, bool zero_init_residual = false);

/// How pictures are brought into the form that the network was evaluated with.
data::Pipeline evaluation_pipeline(const ModelCard& card);

data::Interpolation parse_interpolation(const std::string& name);

}  // namespace lv::train
