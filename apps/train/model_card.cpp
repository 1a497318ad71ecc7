#include "apps/train/model_card.h"

#include <nlohmann/json.hpp>

#include "models/registry.h"

namespace lv::train {

using Json = nlohmann::json;

SafetensorsMetadata to_metadata(const ModelCard& card) {
  return {{"model", card.model},
          {"stem", card.stem},
          {"width", std::to_string(card.width)},
          {"classes", Json(card.classes).dump()},
          {"image_size", std::to_string(card.image_size)},
          {"resize", std::to_string(card.resize)},
          {"interpolation", card.interpolation},
          {"mean", Json(card.normalize.mean).dump()},
          {"std", Json(card.normalize.deviation).dump()}};
}

ModelCard read_card(const SafetensorsMetadata& metadata, const std::string& source) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = metadata.find(key);
    LV_CHECK_AS(IoError, found != metadata.end(), "{}: does not say what model it holds (no '{}' in its metadata)",
                source, key);
    return found->second;
  };
  try {
    ModelCard card{.model = text("model"), .stem = text("stem"), .classes = Json::parse(text("classes"))};
    card.width = Json::parse(text("width"));
    card.image_size = Json::parse(text("image_size"));
    card.resize = Json::parse(text("resize"));
    card.interpolation = text("interpolation");
    card.normalize = {Json::parse(text("mean")), Json::parse(text("std"))};
    LV_CHECK_AS(IoError, !card.classes.empty(), "{}: its metadata names no classes", source);
    return card;
  } catch (const Json::exception& error) {
    fail<IoError>("{}: its metadata is malformed: {}", source, error.what());
  }
}

std::unique_ptr<models::Classifier> build(const ModelCard& card, bool zero_init_residual) {
  return models::make(card.model, {.classes = int64_t(card.classes.size()),
                                   .stem = card.stem == "cifar" ? models::Stem::cifar : models::Stem::imagenet,
                                   .width = card.width,
                                   .zero_init_residual = zero_init_residual});
}

data::Interpolation parse_interpolation(const std::string& name) {
  return name == "bicubic" ? data::Interpolation::bicubic : data::Interpolation::bilinear;
}

data::Pipeline evaluation_pipeline(const ModelCard& card) {
  const data::Interpolation interpolation = parse_interpolation(card.interpolation);
  const int64_t size = card.resize > 0 ? card.resize : card.image_size;
  return {.steps = {data::Resize{size, interpolation}, data::CenterCrop{card.image_size}}, .normalize = card.normalize};
}

}  // namespace lv::train
