#include "models/registry.h"

#include <algorithm>

#include "models/resnet.h"

namespace lv::models {

namespace {

using Block = ResNetShape::Block;

struct Entry {
  std::string_view name;
  ResNetShape shape;
};

constexpr Entry kEntries[] = {
    {"resnet18", {.block = Block::basic, .depths = {2, 2, 2, 2}}},
    {"resnet34", {.block = Block::basic, .depths = {3, 4, 6, 3}}},
    {"resnet50", {.depths = {3, 4, 6, 3}}},
    {"resnet101", {.depths = {3, 4, 23, 3}}},
    {"resnet152", {.depths = {3, 8, 36, 3}}},
    {"wide_resnet50_2", {.depths = {3, 4, 6, 3}, .width_per_group = 128}},
    {"resnext50_32x4d", {.depths = {3, 4, 6, 3}, .groups = 32, .width_per_group = 4}},
    {"resnext101_32x8d", {.depths = {3, 4, 23, 3}, .groups = 32, .width_per_group = 8}},
};

}  // namespace

std::unique_ptr<Classifier> make(std::string_view name, const ClassifierOptions& options) {
  const auto* const entry =
      std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& e) { return e.name == name; });
  LV_CHECK(entry != std::end(kEntries), "there is no model \"{}\"; known are {}", name, fmt::join(names(), ", "));
  return std::make_unique<ResNet>(entry->shape, options);
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> result;
  for (const Entry& entry : kEntries) {
    result.push_back(entry.name);
  }
  return result;
}

}  // namespace lv::models
