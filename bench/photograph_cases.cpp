#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/train/classification_data.h"
#include "bench/case.h"
#include "core/file.h"

namespace lv::bench {

namespace {

namespace fs = std::filesystem;

/// The files' bytes as u8 tensors.
std::vector<NamedTensor> read_photographs(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg") {
      paths.push_back(entry.path());
    }
  }
  LV_CHECK_AS(IoError, !paths.empty(), "bench: there is no .jpg in '{}'", folder.string());
  std::sort(paths.begin(), paths.end());
  std::vector<NamedTensor> photographs;
  for (const fs::path& path : paths) {
    const MappedFile file(path);
    const Tensor bytes = Tensor::empty({int64_t(file.bytes().size())}, DType::u8);
    std::copy(file.bytes().begin(), file.bytes().end(), static_cast<std::byte*>(bytes.raw_data()));
    photographs.push_back({path.filename().string(), bytes});
  }
  return photographs;
}

data::EncodedImage encoded(const NamedTensor& photograph) {
  const auto* const bytes = static_cast<const std::byte*>(photograph.tensor.raw_data());
  return {std::span(bytes, size_t(photograph.tensor.numel())), photograph.name};
}

Work prepare_photographs(const fs::path& folder) {
  const auto photographs = std::make_shared<const std::vector<NamedTensor>>(read_photographs(folder));
  train::ClassificationData options;
  options.image_size = 224;
  options.crop = "resized";
  const data::Pipeline training = train::training_pipeline(options);
  options.crop = "none";
  const data::Pipeline fixed = train::training_pipeline(options);  // no random choices: for comparison
  Work work{.run = {}, .cost = {}, .dtype = DType::f32, .tensors = {}};
  for (const NamedTensor& photograph : *photographs) {
    const Tensor sample = data::run(fixed, encoded(photograph), {});
    work.tensors.push_back({"photograph." + photograph.name, photograph.tensor});
    work.tensors.push_back({"sample." + photograph.name, sample});
    work.cost.bytes += double(photograph.tensor.size_bytes() + sample.size_bytes());
  }
  work.run = [photographs, training, seed = uint64_t{0}]() mutable {
    ++seed;
    for (size_t i = 0; i < photographs->size(); ++i) {
      (void)data::run(training, encoded((*photographs)[i]), {.seed = seed, .offset = i});
    }
  };
  return work;
}

}  // namespace

std::vector<BenchCase> photograph_cases(const fs::path& folder) {
  if (folder.empty()) {
    return {};
  }
  return {{"random_resized_crop/photographs_224/fp32/sample", [=] { return prepare_photographs(folder); }}};
}

}  // namespace lv::bench
