#include "apps/train/checkpoint_store.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/checkpoint/checkpoint_file.h"
#include "core/file.h"

namespace lv::train {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kModel = "model.safetensors";
constexpr const char* kTensors = "train.safetensors";
constexpr const char* kState = "state.json";
constexpr int kFormat = 1;

/// Calls a function of std::filesystem with an error code, and throws IoError that says what failed.
template <class Call>
auto checked(const char* what, const fs::path& path, Call&& call) {
  std::error_code error;
  if constexpr (std::is_void_v<decltype(call(error))>) {
    call(error);
    LV_CHECK_AS(IoError, !error, "{}: cannot {}: {}", path.string(), what, error.message());
  } else {
    auto result = call(error);
    LV_CHECK_AS(IoError, !error, "{}: cannot {}: {}", path.string(), what, error.message());
    return result;
  }
}

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void write_state(const fs::path& folder, const State& state) {
  Json values = Json::object();
  std::vector<NamedTensor> tensors;
  for (const auto& [name, value] : state) {
    if (const auto* tensor = std::get_if<Tensor>(&value)) {
      tensors.push_back({name, *tensor});
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      values[name] = *integer;
    } else if (const auto* number = std::get_if<double>(&value)) {
      LV_CHECK(std::isfinite(*number), "checkpoint: '{}' is {}, which JSON cannot hold", name, *number);
      values[name] = *number;
    } else {
      values[name] = std::get<std::string>(value);
    }
  }
  save_safetensors(folder / kTensors, tensors);
  write_text(folder / kState, Json{{"format", kFormat}, {"state", values}}.dump(1) + "\n");
}

State read_state(const fs::path& folder) {
  const fs::path path = folder / kState;
  State state;
  try {
    const MappedFile file(path);
    const auto* const text = reinterpret_cast<const char*>(file.bytes().data());
    const Json json = Json::parse(text, text + file.bytes().size());
    LV_CHECK_AS(IoError, json.at("format") == kFormat, "{}: has format {}, wanted {}", path.string(),
                json.at("format").dump(), kFormat);
    for (const auto& [name, value] : json.at("state").items()) {
      if (value.is_number_integer()) {
        state.emplace(name, value.get<int64_t>());
      } else if (value.is_number_float()) {
        state.emplace(name, value.get<double>());
      } else {
        state.emplace(name, value.get<std::string>());
      }
    }
  } catch (const Json::exception& error) {
    fail<IoError>("{}: is no state of a checkpoint: {}", path.string(), error.what());
  }
  for (NamedTensor& entry : load_safetensors(folder / kTensors).tensors) {
    state.emplace(entry.name, std::move(entry.tensor));
  }
  return state;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, int64_t keep_last)
    : folder_(std::move(folder)), keep_last_(keep_last) {
  LV_CHECK(keep_last >= 1, "checkpoints: wants to keep at least 1, got {}", keep_last);
  checked("create the folder", folder_, [&](std::error_code& error) { return fs::create_directories(folder_, error); });
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with('.')) {
      checked("remove", entry.path(), [&](std::error_code& error) { return fs::remove_all(entry.path(), error); });
    }
  }
}

void CheckpointStore::save(int64_t step, const Checkpoint& checkpoint, bool is_best) {
  const fs::path target = folder_ / fmt::format("{}{:08}", kPrefix, step);
  const fs::path temporary = folder_ / fmt::format(".{}.partial", target.filename().string());
  const auto remove_partial = [&](std::error_code& error) { return fs::remove_all(temporary, error); };
  checked("remove", temporary, remove_partial);
  checked("create the folder", temporary,
          [&](std::error_code& error) { return fs::create_directory(temporary, error); });
  try {
    save_safetensors(temporary / kModel, checkpoint.model, checkpoint.about);
    write_state(temporary, checkpoint.state);
  } catch (...) {
    std::error_code ignored;  // what went wrong first is what matters
    fs::remove_all(temporary, ignored);
    throw;
  }
  if (fs::exists(target)) {  // a run that was resumed before it
    remove(target);
  }
  checked("rename", temporary, [&](std::error_code& error) { fs::rename(temporary, target, error); });
  sync_folder(folder_);
  point("last", target);
  if (is_best) {
    point("best", target);
  }
  std::vector<fs::path> old = steps();
  old.resize(size_t(std::max<int64_t>(0, int64_t(old.size()) - keep_last_)));
  const std::optional<fs::path> kept = best();
  for (const fs::path& path : old) {
    if (path != kept) {
      remove(path);
    }
  }
}

void CheckpointStore::point(const char* link, const fs::path& target) const {
  const fs::path temporary = folder_ / fmt::format(".{}.partial", link);
  checked("remove", temporary, [&](std::error_code& error) { return fs::remove(temporary, error); });
  checked("create the link", temporary,
          [&](std::error_code& error) { fs::create_directory_symlink(target.filename(), temporary, error); });
  checked("rename", temporary, [&](std::error_code& error) { fs::rename(temporary, folder_ / link, error); });
  sync_folder(folder_);
}

void CheckpointStore::remove(const fs::path& checkpoint) const {
  // Renamed first, so that the name never stands for a part of it.
  const fs::path removed = folder_ / fmt::format(".{}.removed", checkpoint.filename().string());
  checked("rename", checkpoint, [&](std::error_code& error) { fs::rename(checkpoint, removed, error); });
  checked("remove", removed, [&](std::error_code& error) { return fs::remove_all(removed, error); });
}

std::vector<fs::path> CheckpointStore::steps() const {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with(kPrefix) && !entry.is_symlink()) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    const auto key = [](const fs::path& path) {
      const std::string name = path.filename().string();
      return std::pair(name.size(), name);
    };
    return key(a) < key(b);
  });
  return found;
}

std::optional<fs::path> CheckpointStore::last() const {
  const std::vector<fs::path> all = steps();
  return all.empty() ? std::nullopt : std::optional(all.back());
}

std::optional<fs::path> CheckpointStore::best() const {
  const fs::path link = folder_ / "best";
  return fs::is_symlink(link) ? std::optional(folder_ / fs::read_symlink(link)) : std::nullopt;
}

Checkpoint load_checkpoint(const fs::path& folder) {
  SafetensorsFile model = load_safetensors(folder / kModel);
  return {std::move(model.tensors), std::move(model.metadata), read_state(folder)};
}

SafetensorsFile load_model_file(const fs::path& path) {
  return checkpoint::load_checkpoint(fs::is_directory(path) ? path / kModel : path);
}

}  // namespace lv::train
