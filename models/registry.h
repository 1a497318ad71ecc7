#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "models/classifier.h"

namespace lv::models {

/// The classifier of that name ("resnet50"), with its starting values drawn from the default generator. Throws Error
/// that lists the names for one that is unknown.
[[nodiscard]] std::unique_ptr<Classifier> make(std::string_view name, const ClassifierOptions& options = {});

/// What make() knows, in the order of size within each family.
[[nodiscard]] std::vector<std::string_view> names();

}  // namespace lv::models
