#include "nn/state_dict.h"

#include <algorithm>
#include <map>
#include <set>

namespace lv::nn {

namespace {

using ByName = std::map<std::string, Tensor>;

bool matches(const std::string& name, const std::string& pattern) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

ByName strip(std::span<const NamedTensor> source, const std::string& prefix) {
  ByName result;
  for (const NamedTensor& entry : source) {
    const bool has_prefix = !prefix.empty() && entry.name.starts_with(prefix);
    const std::string name = has_prefix ? entry.name.substr(prefix.size()) : entry.name;
    LV_CHECK(result.emplace(name, entry.tensor).second, "load_state_dict: two entries are named {}", name);
  }
  return result;
}

/// A leading part of the unexpected names that, removed, turns most of them into wanted ones.
std::string suggest_prefix(const std::vector<std::string>& unexpected, const std::set<std::string>& wanted) {
  std::map<std::string, size_t> votes;
  for (const std::string& name : unexpected) {
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      if (wanted.contains(name.substr(dot + 1))) {
        ++votes[name.substr(0, dot + 1)];
      }
    }
  }
  const auto best = std::max_element(votes.begin(), votes.end(), [](auto& a, auto& b) { return a.second < b.second; });
  return best != votes.end() && 2 * best->second > unexpected.size() ? best->first : std::string();
}

std::string list(std::string_view title, const std::vector<std::string>& lines) {
  return lines.empty() ? "" : fmt::format("\n  {}:\n    {}", title, fmt::join(lines, "\n    "));
}

}  // namespace

void load_state_dict(Module& module, std::span<const NamedTensor> source, const LoadOptions& options) {
  const ByName given = strip(source, options.strip_prefix);
  std::vector<std::string> missing;
  std::vector<std::string> mismatched;
  std::set<std::string> wanted;
  const std::vector<NamedTensor> targets = module.state_dict();
  for (const NamedTensor& target : targets) {
    wanted.insert(target.name);
    const auto found = given.find(target.name);
    if (found == given.end()) {
      const bool is_allowed = std::any_of(options.allow_missing.begin(), options.allow_missing.end(),
                                          [&](const std::string& pattern) { return matches(target.name, pattern); });
      if (!is_allowed) {
        missing.push_back(fmt::format("{} {}", target.name, target.tensor.shape()));
      }
    } else if (found->second.shape() != target.tensor.shape()) {
      mismatched.push_back(
          fmt::format("{}: wants {}, got {}", target.name, target.tensor.shape(), found->second.shape()));
    }
  }
  std::vector<std::string> unexpected;
  std::vector<std::string> unexpected_lines;
  for (const auto& [name, tensor] : given) {
    if (!wanted.contains(name)) {
      unexpected.push_back(name);
      unexpected_lines.push_back(fmt::format("{} {}", name, tensor.shape()));
    }
  }
  if (!missing.empty() || !mismatched.empty() || !unexpected.empty()) {
    const std::string prefix = suggest_prefix(unexpected, wanted);
    fail("load_state_dict: the entries do not fit the module{}{}{}{}", list("missing", missing),
         list("unexpected", unexpected_lines), list("of another shape", mismatched),
         prefix.empty() ? "" : fmt::format("\n  stripping the prefix \"{}\" would make them fit", prefix));
  }
  for (const NamedTensor& target : targets) {
    if (const auto found = given.find(target.name); found != given.end()) {
      target.tensor.copy_from(found->second);
    }
  }
}

void copy_state(const Module& source, Module& target) { load_state_dict(target, source.state_dict()); }

}  // namespace lv::nn
