#include "apps/train/canvas.h"
#include "core/error.h"
#include "core/file.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace lv::train {

std::string encode_png(const Canvas& picture) {
  std::string bytes;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), size_t(size));
  };
  const int ok = stbi_write_png_to_func(append, &bytes, picture.width(), picture.height(), 3, picture.pixels().data(),
                                        picture.width() * 3);
  LV_CHECK(ok != 0, "png: cannot encode a picture of {} x {}", picture.width(), picture.height());
  return bytes;
}

void save_png(const std::filesystem::path& path, const Canvas& picture) {
  AtomicFile file(path);
  file.write(encode_png(picture));
  file.commit();
}

}  // namespace lv::train
