#include "apps/data/encode.h"

#include "core/error.h"
#include "core/file.h"

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace lv::data {

std::string encode_png(const Image& image) {
  LV_CHECK(image.height > 0 && image.width > 0, "encode_png: a picture of {} x {} pixels", image.height, image.width);
  std::string bytes;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), size_t(size));
  };
  const int ok = stbi_write_png_to_func(append, &bytes, int(image.width), int(image.height), image.channels,
                                        image.pixels.data(), int(image.row_bytes()));
  LV_CHECK(ok != 0, "encode_png: out of memory for {} x {} pixels", image.height, image.width);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  AtomicFile file(path);
  file.write(encode_png(image));
  file.commit();
}

}  // namespace lv::data
