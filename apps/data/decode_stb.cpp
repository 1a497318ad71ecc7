#include "apps/data/decode_stb.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "core/error.h"
#include "core/scoped_value.h"

namespace {

// A compressed stream may hold any number of bytes more than the picture needs: stb_image would unpack them all.
thread_local int64_t max_allocation_bytes = 0;

void* limited_realloc(void* memory, size_t size) {
  return size <= size_t(max_allocation_bytes) ? std::realloc(memory, size) : nullptr;
}

// An empty data chunk makes stb_image copy no bytes to a null pointer, which memcpy does not allow.
void* copied_if_any(void* to, const void* from, size_t size) { return size > 0 ? std::memcpy(to, from, size) : to; }

}  // namespace

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_ASSERT(condition) ((void)(condition))
#define STBI_MALLOC(size) limited_realloc(nullptr, size)
#define STBI_REALLOC(memory, size) limited_realloc(memory, size)
#define STBI_FREE(memory) std::free(memory)
#define memcpy copied_if_any
#include <stb/stb_image.h>
#undef memcpy

namespace lv::data {

Image decode_with_stb(std::span<const std::byte> bytes, std::string_view name, int64_t max_allocation) {
  LV_CHECK_AS(IoError, bytes.size() <= size_t(std::numeric_limits<int>::max()), "{}: a picture file of {} bytes", name,
              bytes.size());
  const ScopedValue limit(max_allocation_bytes, max_allocation);
  int width = 0;
  int height = 0;
  int stored_channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), int(bytes.size()), &width, &height,
                            &stored_channels, STBI_rgb),
      std::free);
  LV_CHECK_AS(IoError, pixels != nullptr, "{}: cannot decode: {}", name, stbi_failure_reason());
  Image image(height, width, 3);
  std::memcpy(image.pixels.data(), pixels.get(), image.pixels.size());
  return image;
}

}  // namespace lv::data
