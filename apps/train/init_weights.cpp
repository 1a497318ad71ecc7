#include "apps/train/init_weights.h"

#include <algorithm>
#include <map>

#include "apps/checkpoint/checkpoint_file.h"
#include "apps/train/checkpoint_store.h"
#include "apps/train/stepper.h"

namespace lv::train {

namespace {

using ByName = std::map<std::string_view, Tensor>;

ByName by_name(const std::vector<NamedTensor>& tensors) {
  ByName result;
  for (const NamedTensor& entry : tensors) {
    result.emplace(entry.name, entry.tensor);
  }
  return result;
}

/// Throws when the names would fit without a prefix.
void check_prefix(const std::string& file, const ByName& given, const std::string& wanted) {
  const auto is_longer = [&](const auto& entry) { return entry.first.ends_with("." + wanted); };
  const auto found = std::find_if(given.begin(), given.end(), is_longer);
  if (!given.contains(wanted) && found != given.end()) {
    const std::string_view prefix = found->first.substr(0, found->first.size() - wanted.size());
    fail("'{}': its names begin with '{}', which --init-prefix {} takes off", file, prefix, prefix);
  }
}

/// Throws when the last layer alone has other shapes, as one for other classes has.
void check_head(const std::string& file, const ByName& given, const std::vector<NamedTensor>& wanted) {
  const std::string head = wanted.back().name.substr(0, wanted.back().name.find('.') + 1);
  const auto differs = [&](const NamedTensor& entry) {
    const auto found = given.find(entry.name);
    return found != given.end() && found->second.shape() != entry.tensor.shape();
  };
  const auto first = std::find_if(wanted.begin(), wanted.end(), differs);
  if (first != wanted.end() && first->name.starts_with(head)) {
    fail("'{}': its '{}' is {}, not {}; for other classes than the file's, --init-except {} begins anew there", file,
         first->name, given.at(first->name).shape(), first->tensor.shape(), head);
  }
}

}  // namespace

void load_init(nn::Module& model, const InitOptions& options) {
  SafetensorsFile file = load_model_file(options.file);
  if (!options.prefix.empty()) {
    file.tensors = checkpoint::rename(file.tensors, options.prefix, "");
  }
  std::vector<NamedTensor> wanted = model.state_dict();
  const auto is_excepted = [&](const NamedTensor& entry) {
    return !options.except.empty() && entry.name.starts_with(options.except);
  };
  std::erase_if(file.tensors, is_excepted);
  LV_CHECK(std::erase_if(wanted, is_excepted) > 0 || options.except.empty(),
           "--init-except: no weight of this run begins with '{}'; the last one is '{}'", options.except,
           wanted.back().name);
  const ByName given = by_name(file.tensors);
  std::erase_if(wanted, [&](const NamedTensor& entry) {
    return entry.name.ends_with(".num_batches_tracked") && !given.contains(entry.name);
  });
  if (!wanted.empty()) {
    check_prefix(options.file, given, wanted.front().name);
    check_head(options.file, given, wanted);
  }
  check_same_names(file.tensors, wanted, fmt::format("'{}'", options.file), "this run");
  for (const NamedTensor& entry : wanted) {
    entry.tensor.copy_from(given.at(entry.name));
  }
}

}  // namespace lv::train
