#include <algorithm>
#include <set>

#include "apps/checkpoint/torch_file.h"
#include "apps/checkpoint/torch_types.h"
#include "apps/checkpoint/utf8.h"
#include "apps/checkpoint/zip.h"
#include "core/file.h"

namespace lv::checkpoint {

namespace {

/// The opcodes of a dictionary of tensors, protocol 2.
class Pickle {
 public:
  Pickle() {
    code_ = "\x80\x02";
    global("collections", "OrderedDict");
    code_ += ")R(";
  }

  void add(const NamedTensor& entry, const std::string& key) {
    const Tensor& tensor = entry.tensor;
    text(entry.name);
    global("torch._utils", "_rebuild_tensor_v2");
    code_ += "((";
    text("storage");
    const auto* const type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                          [&](const StorageType& known) { return known.dtype == tensor.dtype(); });
    global("torch", type->name.substr(type->name.find('.') + 1));
    text(key);
    text("cpu");
    number(tensor.numel());
    code_ += "tQ";
    number(0);
    tuple(tensor.shape());
    tuple(contiguous_strides(tensor.shape()));
    code_ += '\x89';  // needs no gradient
    global("collections", "OrderedDict");
    code_ += ")RtR";
  }

  std::string finish() && { return std::move(code_) + "u."; }

 private:
  void global(std::string_view module, std::string_view name) { code_ += fmt::format("c{}\n{}\n", module, name); }
  void text(std::string_view value) {
    const auto size = uint32_t(value.size());
    code_ += 'X';
    code_.append(reinterpret_cast<const char*>(&size), sizeof size);
    code_ += value;
  }
  void number(int64_t value) {
    code_ += "\x8a\x08";
    code_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void tuple(const Dims& dims) {
    code_ += '(';
    std::for_each(dims.begin(), dims.end(), [&](int64_t size) { number(size); });
    code_ += 't';
  }

  std::string code_;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

void save_torch_file(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  const std::string folder = "archive/";
  Pickle pickle;
  std::set<std::string_view> names;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    LV_CHECK_AS(IoError, tensor.defined(), "{}: tensor \"{}\" is undefined; leave it out", path.string(), name);
    LV_CHECK_AS(IoError, is_utf8(name), "{}: the name \"{}\" is not UTF-8; rename it", path.string(), name);
    LV_CHECK_AS(IoError, names.insert(name).second, "{}: two tensors are named \"{}\"; rename one", path.string(),
                name);
    pickle.add(tensors[i], std::to_string(i));
  }
  AtomicFile file(path);
  ZipWriter archive([&](std::span<const std::byte> bytes) { file.write(bytes); }, path.string());
  archive.add(folder + "data.pkl", bytes_of(std::move(pickle).finish()));
  archive.add(folder + "byteorder", bytes_of("little"));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor host = tensors[i].tensor.to(Device::cpu()).contiguous();
    archive.add(folder + "data/" + std::to_string(i),
                {static_cast<const std::byte*>(host.raw_data()), size_t(host.size_bytes())});
  }
  archive.add(folder + "version", bytes_of("3\n"));
  archive.finish();
  file.commit();
}

}  // namespace lv::checkpoint
