#include "apps/data/encode.h"
#include "apps/train/canvas.h"

namespace lv::train {

namespace {

data::Image to_image(const Canvas& picture) {
  data::Image image(picture.height(), picture.width(), 3);
  image.pixels.assign(picture.pixels().begin(), picture.pixels().end());
  return image;
}

}  // namespace

std::string encode_png(const Canvas& picture) { return data::encode_png(to_image(picture)); }

void save_png(const std::filesystem::path& path, const Canvas& picture) { data::write_png(path, to_image(picture)); }

}  // namespace lv::train
