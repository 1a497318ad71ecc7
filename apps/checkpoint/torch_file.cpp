#include "apps/checkpoint/torch_file.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "apps/checkpoint/pickle.h"
#include "apps/checkpoint/torch_types.h"
#include "apps/checkpoint/zip.h"
#include "core/file.h"

namespace lv::checkpoint {

namespace {

using pickle::Id;

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildOldTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kSize = "torch.Size";

std::vector<std::string_view> known_globals() {
  std::vector<std::string_view> names = {"collections.OrderedDict", "argparse.Namespace", kRebuildTensor,
                                         kRebuildOldTensor,         kRebuildParameter,    kSize};
  for (const StorageType& type : kStorageTypes) {
    names.push_back(type.name);
  }
  return names;
}

/// The files of an archive below its one folder.
class Records {
 public:
  Records(std::span<const std::byte> archive, std::string_view source) : source_(source) {
    constexpr std::string_view kPickle = "/data.pkl";
    for (ZipEntry& entry : read_zip(archive, source)) {
      if (entry.name.ends_with(kPickle) && entry.name.find('/') == entry.name.size() - kPickle.size()) {
        LV_CHECK_AS(IoError, folder_.empty(), "{}: holds both {}data.pkl and {}; it is not a checkpoint of torch.save",
                    source, folder_, entry.name);
        folder_ = entry.name.substr(0, entry.name.size() - kPickle.size() + 1);
      }
      entries_.emplace(std::move(entry.name), entry.bytes);
    }
    LV_CHECK_AS(IoError, !folder_.empty(),
                "{}: is a zip archive without FOLDER/data.pkl; it is not a checkpoint of torch.save", source);
    const auto* const order = find("byteorder");
    LV_CHECK_AS(IoError, order == nullptr || text(*order) == "little",
                "{}: was written by a machine of another byte order (\"{}\"); load it with torch and save it again",
                source, order == nullptr ? "" : text(*order));
  }

  [[nodiscard]] std::span<const std::byte> at(const std::string& name) const {
    const auto* const bytes = find(name);
    LV_CHECK_AS(IoError, bytes != nullptr, "{}: has no {}{}; it is damaged", source_, folder_, name);
    return *bytes;
  }

 private:
  [[nodiscard]] const std::span<const std::byte>* find(const std::string& name) const {
    const auto found = entries_.find(folder_ + name);
    return found == entries_.end() ? nullptr : &found->second;
  }
  static std::string_view text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string_view source_;
  std::string folder_;
  std::map<std::string, std::span<const std::byte>> entries_;
};

/// Turns the pickle's values into named tensors.
class Builder {
 public:
  Builder(const Records& records, const pickle::Data& data, std::string_view source)
      : records_(records), data_(data), source_(source) {
    file_.source = source;
  }

  SafetensorsFile build() {
    visit(data_.root, "");
    return std::move(file_);
  }

 private:
  template <class... Args>
  void check(bool condition, fmt::format_string<Args...> text, Args&&... args) const {
    LV_CHECK_AS(IoError, condition, "{}: {}", source_, fmt::format(text, std::forward<Args>(args)...));
  }

  /// Adds what value `id` holds, whose path is `path`. Containers that hold each other would not end.
  void visit(Id id, const std::string& path) {
    constexpr int kMaxDepth = 64;
    constexpr size_t kMaxPathBytes = 1024;
    check(++visits_ <= pickle::kMaxValues && depth_ < kMaxDepth && path.size() <= kMaxPathBytes,
          "\"{}\" is nested too deep or too often", path.substr(0, kMaxPathBytes));
    ++depth_;
    const pickle::Value& value = data_.values[id];
    const std::string prefix = path.empty() ? "" : path + ".";
    if (const auto* dict = std::get_if<pickle::Dict>(&value)) {
      for (const auto& [key, item] : dict->items) {
        visit(item, prefix + key_text(key, path));
      }
    } else if (const auto* list = std::get_if<pickle::List>(&value)) {
      visit_items(list->items, prefix);
    } else if (const auto* tuple = std::get_if<pickle::Tuple>(&value)) {
      visit_items(tuple->items, prefix);
    } else if (const auto* call = std::get_if<pickle::Call>(&value)) {
      visit_call(*call, path);
    } else if (const std::optional<std::string> text = scalar_text(value)) {
      file_.metadata.emplace(claim(path, text->size()), *text);
    }
    --depth_;
  }
  /// The name for what is at `path`, to be kept with `bytes` more.
  std::string claim(const std::string& path, size_t bytes) {
    constexpr size_t kMaxKept = 64 << 20;
    std::string name = path.empty() ? "value" : path;
    kept_ += name.size() + bytes;
    check(kept_ <= kMaxKept, "its names and texts take more than {} bytes", kMaxKept);
    check(names_.insert(name).second, "two entries are named \"{}\"", name);
    return name;
  }
  void visit_items(const std::vector<Id>& items, const std::string& prefix) {
    for (size_t i = 0; i < items.size(); ++i) {
      visit(items[i], prefix + std::to_string(i));
    }
  }
  void visit_call(const pickle::Call& call, const std::string& path) {
    if (function_of(call) == kSize) {
      const auto& sizes = want<pickle::Tuple>(call.arguments, path, "a tuple of arguments").items;
      check(sizes.size() == 1, "\"{}\" is a size made of {} arguments, 1 is wanted", path, sizes.size());
      visit(sizes[0], path);
      return;
    }
    const std::string name = claim(path, 0);
    file_.tensors.push_back({name, tensor_of(call, name)});
  }

  std::string key_text(Id key, const std::string& path) const {
    const std::optional<std::string> text = scalar_text(data_.values[key]);
    check(text.has_value(), "a key in \"{}\" is neither text nor a number", path);
    return *text;
  }
  static std::optional<std::string> scalar_text(const pickle::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      return *text;
    }
    if (const auto* flag = std::get_if<bool>(&value)) {
      return *flag ? "true" : "false";
    }
    if (const auto* whole = std::get_if<int64_t>(&value)) {
      return std::to_string(*whole);
    }
    if (const auto* real = std::get_if<double>(&value)) {
      return fmt::format("{}", *real);
    }
    return std::nullopt;
  }

  /// The value `id` as a T, for what is named `name`.
  template <class T>
  const T& want(Id id, const std::string& name, std::string_view what) const {
    const T* const value = std::get_if<T>(&data_.values[id]);
    check(value != nullptr, "\"{}\": {} is wanted, there is something else", name, what);
    return *value;
  }
  [[nodiscard]] std::string_view function_of(const pickle::Call& call) const {
    return std::get<pickle::Global>(data_.values[call.function]).name;
  }

  Tensor tensor_of(const pickle::Call& call, const std::string& name) {
    const auto& arguments = want<pickle::Tuple>(call.arguments, name, "a tuple of arguments").items;
    const std::string_view function = function_of(call);
    if (function == kRebuildParameter) {
      check(arguments.size() == 3, "parameter \"{}\" is made of {} arguments, 3 are wanted", name, arguments.size());
      const auto& inner = want<pickle::Call>(arguments[0], name, "a tensor");
      check(function_of(inner) != kRebuildParameter, "parameter \"{}\" is made of a parameter", name);
      return tensor_of(inner, name);
    }
    check(function == kRebuildTensor || function == kRebuildOldTensor, "\"{}\" is made by {}, which makes no tensor",
          name, function);
    check(arguments.size() >= 4, "tensor \"{}\" is made of {} arguments, 4 at least are wanted", name,
          arguments.size());
    const Tensor storage = storage_of(want<pickle::Persistent>(arguments[0], name, "a storage").id, name);
    const auto offset = want<int64_t>(arguments[1], name, "an offset");
    return view(storage, offset, dims(arguments[2], name), dims(arguments[3], name), name);
  }

  Dims dims(Id id, const std::string& name) const {
    Dims result;
    const auto& items = want<pickle::Tuple>(id, name, "a tuple of sizes or strides").items;
    check(items.size() <= size_t(kMaxRank), "tensor \"{}\" has {} axes, more than {}", name, items.size(), kMaxRank);
    for (const Id item : items) {
      const auto value = want<int64_t>(item, name, "a size or stride");
      check(value >= 0, "tensor \"{}\" has the size or stride {}", name, value);
      result.push_back(value);
    }
    return result;
  }

  Tensor view(const Tensor& storage, int64_t offset, const Shape& shape, const Strides& strides,
              const std::string& name) const {
    check(shape.rank() == strides.rank(), "tensor \"{}\" has {} sizes and {} strides", name, shape.rank(),
          strides.rank());
    int64_t count = 1;
    int64_t last = offset;
    bool fits = offset >= 0;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      int64_t reach = 0;
      fits = fits && !__builtin_mul_overflow(count, shape[axis], &count) &&
             !__builtin_mul_overflow(std::max<int64_t>(shape[axis], 1) - 1, strides[axis], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    if (fits && count == 0) {
      return Tensor::empty(shape, storage.dtype());
    }
    check(fits && last < storage.numel(),
          "tensor \"{}\" of shape {}, strides {} and offset {} passes the end of its "
          "storage of {} elements",
          name, shape, strides, offset, storage.numel());
    check(count <= storage.numel(),
          "tensor \"{}\" of shape {} repeats elements of its storage of {}; save a clone of it", name, shape,
          storage.numel());
    return storage.as_strided(shape, strides, offset);
  }

  /// The storage of ("storage", type, key, device, elements), read once for all tensors that share it.
  Tensor storage_of(Id id, const std::string& name) {
    const auto& parts = want<pickle::Tuple>(id, name, "a storage").items;
    check(parts.size() == 5 && want<std::string>(parts[0], name, "text") == "storage",
          "tensor \"{}\" refers to something that is not a storage", name);
    const std::string& type_name = want<pickle::Global>(parts[1], name, "a type of storage").name;
    const auto* const type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                          [&](const StorageType& known) { return known.name == type_name; });
    check(type != std::end(kStorageTypes), "tensor \"{}\" has a storage of type {}", name, type_name);
    const std::string& key = want<std::string>(parts[2], name, "a storage's key");
    const auto count = want<int64_t>(parts[4], name, "a number of elements");
    auto [storage, inserted] = storages_.try_emplace(key);
    if (inserted) {
      storage->second = read_storage(key, type->dtype, count);
    }
    check(storage->second.dtype() == type->dtype && storage->second.numel() == count,
          "storage \"{}\" is said to be {} of {} and {} of {}; save clones of the tensors that share it", key,
          storage->second.numel(), storage->second.dtype(), count, type->dtype);
    return storage->second;
  }

  [[nodiscard]] Tensor read_storage(const std::string& key, DType dtype, int64_t count) const {
    const auto bytes = records_.at("data/" + key);
    int64_t size = 0;
    check(count >= 0 && !__builtin_mul_overflow(count, size_bytes(dtype), &size) && bytes.size() == size_t(size),
          "storage \"{}\" has {} bytes, and is said to have {} elements of {}", key, bytes.size(), count, dtype);
    check(dtype != DType::boolean ||
              std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; }),
          "storage \"{}\" of bool holds bytes other than 0 and 1", key);
    const Tensor storage = Tensor::empty({count}, dtype);
    if (!bytes.empty()) {
      std::memcpy(storage.raw_data(), bytes.data(), bytes.size());
    }
    return storage;
  }

  const Records& records_;
  const pickle::Data& data_;
  std::string_view source_;
  SafetensorsFile file_;
  std::set<std::string> names_;
  std::map<std::string, Tensor> storages_;
  size_t visits_ = 0;
  size_t kept_ = 0;
  int depth_ = 0;
};

void check_not_legacy(std::span<const std::byte> bytes, std::string_view source) {
  constexpr auto kProtocol = std::byte{0x80};
  LV_CHECK_AS(IoError, bytes.empty() || bytes[0] != kProtocol,
              "{}: has the form that torch wrote before 1.6, which is not read; convert it in Python: "
              "torch.save(torch.load(\"{}\", map_location=\"cpu\"), \"new.pth\")",
              source, source);
}

}  // namespace

SafetensorsFile parse_torch_file(std::span<const std::byte> bytes, std::string_view source) {
  check_not_legacy(bytes, source);
  const Records records(bytes, source);
  const std::vector<std::string_view> globals = known_globals();
  return Builder(records, pickle::parse(records.at("data.pkl"), source, globals), source).build();
}

SafetensorsFile load_torch_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_torch_file(file.bytes(), path.string());
}

}  // namespace lv::checkpoint
