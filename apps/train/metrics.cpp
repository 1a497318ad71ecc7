#include "apps/train/metrics.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/train/event_format.h"
#include "core/error.h"
#include "core/file.h"

namespace lv::train {

namespace {

using Json = nlohmann::ordered_json;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string to_line(const MetricRecord& record) {
  Json line{{"kind", record.kind}, {"step", record.step}, {"epoch", record.epoch}};
  for (const NamedValue& value : record.values) {
    line[value.name] = value.value;
  }
  return line.dump() + "\n";
}

MetricRecord from_line(const std::string& line) {
  const Json json = Json::parse(line);
  MetricRecord record{json.at("kind"), json.at("step"), json.at("epoch"), {}};
  for (const auto& [name, value] : json.items()) {
    if (name != "kind" && name != "step" && name != "epoch") {
      record.values.push_back({name, value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>()});
    }
  }
  return record;
}

/// The records up to `step`, which then are all that the file holds. A last line that was cut by a crash is dropped.
std::vector<MetricRecord> keep_until(const std::filesystem::path& path, int64_t step) {
  std::vector<MetricRecord> kept;
  std::ifstream file(path);
  if (!file.is_open()) {
    return kept;
  }
  std::string text;
  int number = 0;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    ++number;
    try {
      MetricRecord record = from_line(line);
      if (record.step <= step) {
        text += line + "\n";
        kept.push_back(std::move(record));
      }
    } catch (const Json::exception& error) {
      fail<IoError>("{}:{}: is no measurement: {}", path.string(), number, error.what());
    }
  }
  AtomicFile rewritten(path);
  rewritten.write(text);
  rewritten.commit();
  return kept;
}

std::filesystem::path event_file(const std::filesystem::path& folder) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  // Readers take the files of a folder in the order of their names.
  return folder / fmt::format("events.out.tfevents.{:.6f}.{}.{}", wall_time(), host.data(), ::getpid());
}

}  // namespace

Metrics::Metrics(const std::filesystem::path& folder, int64_t step)
    : records_(keep_until(folder / "metrics.jsonl", step)),
      lines_(folder / "metrics.jsonl"),
      events_(event_file(folder)) {
  events_.write(frame_record(version_event(wall_time())));
  if (step > 0) {
    events_.write(frame_record(restart_event(wall_time(), step + 1)));
  }
}

void Metrics::add(MetricRecord record) {
  lines_.write(to_line(record));
  for (const NamedValue& value : record.values) {
    events_.write(
        frame_record(scalar_event(wall_time(), record.step, record.kind + "/" + value.name, float(value.value))));
  }
  records_.push_back(std::move(record));
}

void Metrics::add_picture(const NamedPicture& picture, int64_t step) {
  const Canvas& canvas = picture.picture;
  events_.write(
      frame_record(image_event(wall_time(), step, picture.name, canvas.width(), canvas.height(), encode_png(canvas))));
}

std::vector<Point> Metrics::series(std::string_view kind, std::string_view name) const {
  std::vector<Point> points;
  for (const MetricRecord& record : records_) {
    for (const NamedValue& value : record.values) {
      if (record.kind == kind && value.name == name) {
        points.push_back({record.epoch, value.value});
      }
    }
  }
  return points;
}

}  // namespace lv::train
