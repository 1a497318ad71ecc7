// Converts checkpoints between PyTorch's form and safetensors, and shows what they hold.

#include <cstdio>
#include <map>

#include "apps/checkpoint/checkpoint_file.h"
#include "apps/train/options.h"
#include "apps/train/program.h"

using namespace lv;
using namespace lv::train;

namespace {

struct Request {
  std::vector<std::string> files;
  std::string only;
  std::string strip_prefix;
  bool list = false;
  bool diff = false;
};

std::vector<NamedTensor> load(const std::string& path, const Request& request, SafetensorsMetadata& metadata) {
  SafetensorsFile file = checkpoint::load_checkpoint(path);
  metadata = std::move(file.metadata);
  return checkpoint::rename(file.tensors, request.only, request.strip_prefix);
}

int convert(const Request& request) {
  SafetensorsMetadata metadata;
  const std::vector<NamedTensor> tensors = load(request.files[0], request, metadata);
  checkpoint::save_checkpoint(request.files[1], tensors, metadata);
  fmt::print("{}: {} tensors\n", request.files[1], tensors.size());
  return 0;
}

int list(const Request& request) {
  SafetensorsMetadata metadata;
  for (const auto& [name, tensor] : load(request.files[0], request, metadata)) {
    fmt::print("{}  {}  {}\n", name, tensor.shape(), tensor.dtype());
  }
  for (const auto& [name, value] : metadata) {
    fmt::print("{} = {}\n", name, value);
  }
  return 0;
}

/// Prints the names that only one of two files has, "-" and "+", and those whose shapes or dtypes differ, "!". Gives 1
/// when there are any.
int diff(const Request& request) {
  SafetensorsMetadata ignored;
  std::map<std::string, std::pair<std::string, std::string>> described;
  for (const auto& [name, tensor] : load(request.files[0], request, ignored)) {
    described[name].first = fmt::format("{} {}", tensor.shape(), tensor.dtype());
  }
  for (const auto& [name, tensor] : load(request.files[1], request, ignored)) {
    described[name].second = fmt::format("{} {}", tensor.shape(), tensor.dtype());
  }
  size_t differences = 0;
  for (const auto& [name, texts] : described) {
    const auto& [first, second] = texts;
    differences += first == second ? 0 : 1;
    if (second.empty()) {
      fmt::print("- {}  {}\n", name, first);
    } else if (first.empty()) {
      fmt::print("+ {}  {}\n", name, second);
    } else if (first != second) {
      fmt::print("! {}  {}, then {}\n", name, first, second);
    }
  }
  fmt::print("{} of {} names differ\n", differences, described.size());
  return differences == 0 ? 0 : 1;
}

int run(const Request& request) {
  LV_CHECK_AS(UsageError, !(request.list && request.diff), "takes --list or --diff, not both");
  const size_t wanted = request.list ? 1 : 2;
  LV_CHECK_AS(UsageError, request.files.size() == wanted, "wants {}, got {} files; see --help",
              request.list   ? "one file"
              : request.diff ? "two files to compare"
                             : "a file to read and one to write",
              request.files.size());
  if (request.list) {
    return list(request);
  }
  return request.diff ? diff(request) : convert(request);
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("convert_checkpoint", [&] {
    Request request;
    Options options(
        "convert_checkpoint",
        "Converts a checkpoint: PyTorch's .pth or .safetensors in, either out by the output's name. Nothing in "
        "a .pth is executed.",
        "convert_checkpoint --only state_dict. --strip-prefix module. moco.pth moco.safetensors");
    options.add("names", "only", &request.only, "keep the entries that begin with this, and remove it");
    options.add("names", "strip-prefix", &request.strip_prefix, "remove this where a name begins with it");
    options.add("show", "list", &request.list, "print the names, shapes and dtypes of one file");
    options.add("show", "diff", &request.diff,
                "print what differs between the names, shapes and dtypes of two files; exit code 1 if anything does");
    options.add_positional("files", request.files, "the file to read and the one to write");
    std::string output;
    if (!options.parse(argc, argv, output)) {
      std::fputs(output.c_str(), stdout);
      return 0;
    }
    return run(request);
  });
}
