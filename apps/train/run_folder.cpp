#include "apps/train/run_folder.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "core/file.h"

namespace lv::train {

namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// Lines of the two configurations, which hold the same keys in the same order unless the program has changed.
void show_changes(const std::string& before, const std::string& now, Console& console) {
  std::istringstream old_lines(before);
  std::istringstream new_lines(now);
  for (std::string was, is; std::getline(old_lines, was) && std::getline(new_lines, is);) {
    if (was != is) {
      console.line(fmt::format("changed since the run began: {}   (was: {})", is, was));
    }
  }
}

}  // namespace

RunFolder::RunFolder(std::filesystem::path path, bool may_resume, int64_t keep_checkpoints, const std::string& config,
                     Console& console)
    : path_(std::move(path)), checkpoints_(path_ / "checkpoints", keep_checkpoints) {
  LV_CHECK(may_resume || !checkpoints_.last().has_value(),
           "{}: holds a run already; go on with --resume auto, or name another folder with --run-dir", path_.string());
  console.log_to(path_ / "log.txt");
  const std::filesystem::path config_path = path_ / "config.toml";
  if (checkpoints_.last().has_value()) {
    show_changes(read_text(config_path), config, console);
  }
  write_text(config_path, config);
}

void RunFolder::write_environment(const std::string& text) const { write_text(path_ / "env.txt", text); }

}  // namespace lv::train
