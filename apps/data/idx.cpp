#include "apps/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "core/error.h"

namespace lv::data {

namespace {

constexpr uint8_t kUnsignedByte = 0x08;
constexpr int64_t kMaxDeflateRatio = 1032;  // no deflate stream expands to more than that

bool is_gzip(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b};
}

/// The bytes of a file, one after the other, uncompressed on the way.
class Input {
 public:
  Input(std::span<const std::byte> file, std::string_view source) : source_(source), is_gzip_(is_gzip(file)) {
    LV_CHECK_AS(IoError, file.size() <= std::numeric_limits<uInt>::max(), "{}: larger than 4 GiB", source);
    capacity_ = int64_t(file.size()) * (is_gzip_ ? kMaxDeflateRatio : 1);
    // zlib does not write to its input.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(file.data()));  // NOLINT
    stream_.avail_in = uInt(file.size());
    if (is_gzip_) {
      constexpr int kGzip = 16;
      LV_CHECK_AS(IoError, inflateInit2(&stream_, kGzip + MAX_WBITS) == Z_OK, "{}: cannot start to decompress", source);
    }
  }
  ~Input() {
    if (is_gzip_) {
      inflateEnd(&stream_);
    }
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// An upper bound of what the file can hold in all.
  [[nodiscard]] int64_t capacity() const { return capacity_; }

  /// Reads up to `size` bytes; returns how many there were.
  int64_t read(uint8_t* to, int64_t size) {
    if (!is_gzip_) {
      const int64_t count = std::min(size, int64_t(stream_.avail_in));
      std::copy_n(stream_.next_in, count, to);
      stream_.next_in += count;
      stream_.avail_in -= uInt(count);
      return count;
    }
    int64_t count = 0;
    while (count < size && !is_at_end_) {
      const int64_t piece = std::min<int64_t>(size - count, std::numeric_limits<uInt>::max());
      stream_.next_out = to + count;
      stream_.avail_out = uInt(piece);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      LV_CHECK_AS(IoError, status != Z_BUF_ERROR, "{}: the compressed stream is cut off", source_);
      LV_CHECK_AS(IoError, status == Z_OK || status == Z_STREAM_END, "{}: the compressed stream is damaged ({})",
                  source_, stream_.msg != nullptr ? stream_.msg : "no reason given");
      count += piece - int64_t(stream_.avail_out);
      is_at_end_ = status == Z_STREAM_END;
    }
    return count;
  }

 private:
  std::string_view source_;
  bool is_gzip_;
  bool is_at_end_ = false;
  int64_t capacity_ = 0;
  z_stream stream_{};
};

}  // namespace

IdxArray parse_idx(std::span<const std::byte> file, int rank, std::string_view source) {
  Input input(file, source);
  std::vector<uint8_t> header(size_t(4 + 4 * rank));
  LV_CHECK_AS(IoError, input.read(header.data(), int64_t(header.size())) == int64_t(header.size()),
              "{}: too short for the header of an idx file", source);
  LV_CHECK_AS(IoError, header[0] == 0 && header[1] == 0 && header[2] == kUnsignedByte && header[3] == rank,
              "{}: an idx file of bytes with {} dimensions begins with 00 00 08 {:02x}, this one with "
              "{:02x} {:02x} {:02x} {:02x}",
              source, rank, rank, header[0], header[1], header[2], header[3]);
  IdxArray array;
  int64_t left = input.capacity() - int64_t(header.size());  // by which the product of the sizes can still grow
  int64_t count = 1;
  for (size_t i = 4; i < header.size(); i += 4) {
    const int64_t size =
        int64_t{header[i]} << 24 | int64_t{header[i + 1]} << 16 | int64_t{header[i + 2]} << 8 | int64_t{header[i + 3]};
    array.shape.push_back(size);
    LV_CHECK_AS(IoError, size > 0, "{}: the header says that there are no elements", source);
    left /= size;
    LV_CHECK_AS(IoError, left > 0, "{}: the header announces more elements than the file can hold", source);
    count *= size;
  }
  array.bytes.resize(size_t(count));
  const int64_t found = input.read(array.bytes.data(), count);
  LV_CHECK_AS(IoError, found == count, "{}: the header announces {} bytes, there are {}", source, count, found);
  uint8_t extra = 0;
  LV_CHECK_AS(IoError, input.read(&extra, 1) == 0, "{}: there are more than the {} bytes that the header announces",
              source, count);
  return array;
}

}  // namespace lv::data
