#pragma once

#include <filesystem>
#include <memory>

#include "apps/data/dataset.h"

namespace lv::data {

/// The data set in `folder`, of the first of these layouts that it has:
///   train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., each with or without .gz     MNIST and its kin
///   data_batch_1.bin to data_batch_5.bin and test_batch.bin, batches.meta.txt if there is one    CIFAR-10
///   train.bin and test.bin, fine_label_names.txt if there is one                                 CIFAR-100
///   train/CLASS/PICTURE and val/CLASS/PICTURE (or test/...)                                      class folders
/// Throws IoError that names the folder when it has none of them, and what the data set's constructor throws.
[[nodiscard]] std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& folder, Split split);

}  // namespace lv::data
