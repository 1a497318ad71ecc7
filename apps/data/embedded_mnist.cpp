#include "apps/data/embedded_mnist.h"

// The assembler puts the bytes of a file between two symbols. LV_MNIST_FOLDER is the folder of the files.
#define LV_EMBED(symbol, file)                               \
  asm(".section .rodata\n"                                   \
      ".global " #symbol "_begin, " #symbol "_end\n" #symbol \
      "_begin:\n"                                            \
      ".incbin \"" LV_MNIST_FOLDER "/" file "\"\n" #symbol   \
      "_end:\n"                                              \
      ".previous\n");                                        \
  extern "C" const std::byte symbol##_begin[];               \
  extern "C" const std::byte symbol##_end[]

LV_EMBED(lv_mnist_train_images, "train-images-idx3-ubyte.gz");
LV_EMBED(lv_mnist_train_labels, "train-labels-idx1-ubyte.gz");
LV_EMBED(lv_mnist_test_images, "t10k-images-idx3-ubyte.gz");
LV_EMBED(lv_mnist_test_labels, "t10k-labels-idx1-ubyte.gz");

namespace lv::data {

MnistFiles embedded_mnist(Split split) {
  if (split == Split::train) {
    return {{lv_mnist_train_images_begin, lv_mnist_train_images_end},
            {lv_mnist_train_labels_begin, lv_mnist_train_labels_end},
            "the program's training digits"};
  }
  return {{lv_mnist_test_images_begin, lv_mnist_test_images_end},
          {lv_mnist_test_labels_begin, lv_mnist_test_labels_end},
          "the program's test digits"};
}

}  // namespace lv::data
