#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/train/append_file.h"
#include "apps/train/canvas.h"

namespace lv::train {

struct NamedValue {
  std::string name;
  double value = 0;
};

/// What was measured at a step. `kind` is "train" or "eval".
struct MetricRecord {
  std::string kind;
  int64_t step = 0;
  double epoch = 0;
  std::vector<NamedValue> values;
};

struct NamedPicture {
  std::string name;
  Canvas picture;
};

/// The measurements of a run: one line of JSON each in FOLDER/metrics.jsonl, and TensorBoard's event file beside it.
/// Not a number is null in JSON.
class Metrics {
 public:
  /// Goes on after `step`: what the folder holds of later steps, which will be done again, is forgotten. Throws IoError
  /// for a line that is none of ours.
  Metrics(const std::filesystem::path& folder, int64_t step);

  void add(MetricRecord record);
  void add_picture(const NamedPicture& picture, int64_t step);

  /// All measurements, also those from before the run was resumed.
  [[nodiscard]] const std::vector<MetricRecord>& records() const { return records_; }
  /// The values `name` of one kind over the epochs.
  [[nodiscard]] std::vector<Point> series(std::string_view kind, std::string_view name) const;

 private:
  std::vector<MetricRecord> records_;
  AppendFile lines_;
  AppendFile events_;
};

}  // namespace lv::train
