#include "apps/data/decode_jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

// After <cstdio>, which they need.
#include <jerror.h>
#include <jpeglib.h>
#if __has_include(<jpegint.h>)
#include <jpegint.h>
#define LV_HAVE_JPEG_INTERNALS
#endif

#include "apps/data/image_resize.h"
#include "core/error.h"

namespace lv::data {

namespace {

constexpr int kMaxScans = 100;  // a progressive file has about 10; each one more costs a pass over the whole picture
constexpr int kTooManyScans = 1000;  // the number of an error message of ours
constexpr const char* kMessages[] = {"More than 100 scans"};
constexpr int64_t kPixelBytes = RowResizer::kPixelBytes;

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
};

[[noreturn]] void leave_library(j_common_ptr info) {
  std::longjmp(reinterpret_cast<ErrorManager*>(info->err)->jump, 1);
}

void ignore_message(j_common_ptr /*info*/) {}

boolean refuse_to_invent_data(j_decompress_ptr info) {
  ERREXIT(info, JERR_INPUT_EOF);
  return FALSE;
}

struct Progress {
  jpeg_progress_mgr base;
  JDIMENSION needed_rows;  // of blocks; of each scan, no more is decoded
};

/// Called before each row of blocks of a file with several scans, all of which are read before the first pixel.
void follow_scans(j_common_ptr common) {
  auto* const info = reinterpret_cast<j_decompress_ptr>(common);
  if (info->input_scan_number > kMaxScans) {
    ERREXIT(info, kTooManyScans);
  }
#ifdef LV_HAVE_JPEG_INTERNALS
  if (info->inputctl->has_multiple_scans != FALSE &&
      info->input_iMCU_row >= reinterpret_cast<Progress*>(info->progress)->needed_rows) {
    info->inputctl->finish_input_pass(info);  // goes on with the next marker
  }
#endif
}

/// As Pillow does: x * y / 255, rounded.
int multiply_255(int x, int y) {
  const int product = x * y + 128;
  return ((product >> 8) + product) >> 8;
}

/// Ink as Adobe stores it, 255 for none, to red, green and blue.
void cmyk_to_rgb(uint8_t* pixels, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint8_t* const pixel = pixels + i * kPixelBytes;
    const int light = pixel[3];
    for (int c = 0; c < 3; ++c) {
      pixel[c] = uint8_t(std::max(light - multiply_255(255 - pixel[c], light), 0));
    }
  }
}

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct info{};
  ErrorManager errors{};
  Progress progress{};

  State() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = leave_library;
    errors.base.output_message = ignore_message;
    errors.base.addon_message_table = kMessages;
    errors.base.first_addon_message = errors.base.last_addon_message = kTooManyScans;
    progress.base.progress_monitor = follow_scans;
  }
  ~State() { jpeg_destroy_decompress(&info); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

/// Calls into the library, whose errors jump back here: `call` may have nothing to destroy.
template <class Call>
void JpegDecoder::guarded(Call call) {
  if (setjmp(state_->errors.jump) != 0) {
    char text[JMSG_LENGTH_MAX];
    state_->errors.base.format_message(reinterpret_cast<j_common_ptr>(&state_->info), text);
    fail<IoError>("{}: cannot decode: {}", name_, text);
  }
  call();
}

JpegDecoder::JpegDecoder(std::span<const std::byte> bytes, std::string name)
    : name_(std::move(name)), state_(std::make_unique<State>()) {
  jpeg_decompress_struct& info = state_->info;
  guarded([&] {
    jpeg_create_decompress(&info);
    info.progress = &state_->progress.base;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    info.src->fill_input_buffer = refuse_to_invent_data;
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info, TRUE);
  });
  LV_CHECK_AS(IoError, info.num_components == 1 || info.num_components == 3 || info.num_components == 4,
              "{}: a JPEG of {} components", name_, info.num_components);
}

JpegDecoder::~JpegDecoder() = default;

ImageHeader JpegDecoder::header() const {
  constexpr std::string_view kExif("Exif\0\0", 6);
  const jpeg_decompress_struct& info = state_->info;
  ImageHeader header{.height = info.image_height, .width = info.image_width, .bits_per_pixel = 8 * info.num_components};
  for (const jpeg_marker_struct* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::span data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    if (data.size() > kExif.size() &&
        std::equal(kExif.begin(), kExif.end(), reinterpret_cast<const char*>(data.data()))) {
      header.orientation = exif_orientation(data.subspan(kExif.size()));
      break;
    }
  }
  return header;
}

void JpegDecoder::decode_rows(const Rect& part, int denominator, const std::function<void(const uint8_t*)>& take_row) {
  // At the ends of a cropped row, interpolated colour lacks a neighbour: one more pixel is decoded on either side.
  constexpr int64_t kMargin = 2;
  jpeg_decompress_struct& info = state_->info;
  JDIMENSION left = 0;
  JDIMENSION width = 0;
  guarded([&] {
    info.scale_num = 1;
    info.scale_denom = unsigned(denominator);
    info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_EXT_RGBX;
    // Colour is interpolated between rows: one more row of blocks than the part's own.
    const int64_t block_rows = (part.top + part.height) * denominator / (DCTSIZE * info.max_v_samp_factor) + 2;
    state_->progress.needed_rows = JDIMENSION(block_rows);
    jpeg_start_decompress(&info);
    if (jpeg_has_multiple_scans(&info) != FALSE) {
      info.input_iMCU_row = info.total_iMCU_rows;  // where scans ended early, nothing more is to be waited for
    }
    left = JDIMENSION(std::max<int64_t>(part.left - kMargin, 0));
    width = JDIMENSION(std::min<int64_t>(part.left + part.width + kMargin, info.output_width)) - left;
    if (width < info.output_width) {
      jpeg_crop_scanline(&info, &left, &width);
    }
    if (part.top > 0) {
      jpeg_skip_scanlines(&info, JDIMENSION(part.top));
    }
  });
  std::vector<uint8_t> row(size_t(info.output_width * kPixelBytes + RowResizer::kPadding));
  uint8_t* const begin = row.data();
  uint8_t* const pixels = begin + (part.left - left) * kPixelBytes;
  for (int64_t y = 0; y < part.height; ++y) {
    guarded([&info, begin] {
      JSAMPROW rows[] = {begin};
      jpeg_read_scanlines(&info, rows, 1);
    });
    if (info.out_color_space == JCS_CMYK) {
      cmyk_to_rgb(pixels, part.width);
    }
    take_row(pixels);
  }
}

}  // namespace lv::data
