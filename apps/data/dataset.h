#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "apps/data/image.h"

namespace lv::data {

/// The picture of a sample: its pixels, or the file that is decoded once it is known which part of it is wanted.
using Picture = std::variant<Image, std::filesystem::path>;

/// One sample of a classification data set.
struct Example {
  Picture picture;
  int64_t label = 0;  // in [0, number of classes)
};

/// The two parts of a data set: `held_out` is what accuracies are reported on, called validation or test elsewhere.
enum class Split { train, held_out };

/// Pictures with one class each. Samples may be asked for from several threads at once, in any order, and are the same
/// every time.
class Dataset {
 public:
  virtual ~Dataset() = default;

  [[nodiscard]] virtual int64_t size() const = 0;
  /// By label.
  [[nodiscard]] virtual const std::vector<std::string>& class_names() const = 0;
  /// The sample `index` in [0, size()). Throws IoError that names the file when it cannot be read.
  [[nodiscard]] virtual Example example(int64_t index) const = 0;
  /// What to call a sample in messages: its path, or the set's and its number.
  [[nodiscard]] virtual std::string name(int64_t index) const = 0;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

}  // namespace lv::data
