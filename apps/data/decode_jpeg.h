#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "apps/data/decode_header.h"
#include "apps/data/image.h"

namespace lv::data {

/// Decodes one JPEG by libjpeg-turbo. Every error is an IoError that begins with the picture's name.
class JpegDecoder {
 public:
  /// Borrows `bytes`; reads the header.
  JpegDecoder(std::span<const std::byte> bytes, std::string name);
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  [[nodiscard]] ImageHeader header() const;

  /// Hands out the rows of `part` of the picture reduced by 1/denominator, 1, 2, 4 or 8 (whose sizes are rounded up): 4
  /// bytes a pixel, red, green, blue and one without meaning, with 12 bytes of padding behind the last pixel. The
  /// pixels are those of decoding everything; of rows above, only the entropy code is read, of rows below nothing. To
  /// be called once.
  void decode_rows(const Rect& part, int denominator, const std::function<void(const uint8_t*)>& take_row);

 private:
  struct State;

  template <class Call>
  void guarded(Call call);

  std::string name_;
  std::unique_ptr<State> state_;
};

}  // namespace lv::data
