#include "apps/checkpoint/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <set>

#include "apps/checkpoint/byte_reader.h"
#include "apps/checkpoint/utf8.h"

// APPNOTE.TXT 6.3 of PKWARE: the directory at the archive's end tells where its files are; the header in front of each
// file repeats that.

namespace lv::checkpoint {

namespace {

constexpr uint32_t kFileMagic = 0x04034b50;
constexpr uint32_t kDirectoryMagic = 0x02014b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint32_t kZip64EndMagic = 0x06064b50;
constexpr uint32_t kZip64PlaceMagic = 0x07064b50;
constexpr size_t kFileHeaderBytes = 30;
constexpr size_t kDirectoryEntryBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kZip64PlaceBytes = 20;
constexpr uint16_t kZip64Field = 1;
constexpr uint16_t kEncrypted = 1;
constexpr uint16_t kUtf8Names = 0x800;
constexpr uint16_t kStored = 0;
constexpr uint16_t kVersion = 20;  // of the format, 2.0
constexpr uint16_t kNoTime = 0;

struct Directory {
  uint64_t begin = 0;
  uint64_t size = 0;
  uint64_t entries = 0;
};

/// What the directory says of a file.
struct Listed {
  std::string name;
  uint64_t header = 0;  // where its own header begins
  uint64_t size = 0;
  uint32_t crc = 0;
};

/// What a file takes of the archive, header included.
struct Extent {
  uint64_t begin;
  uint64_t end;
  const std::string* name;
};

/// Numbers and text one after the other, little-endian.
class Bytes {
 public:
  template <class... Numbers>
  Bytes& put(Numbers... numbers) {
    (bytes_.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
    return *this;
  }
  Bytes& put_text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

uint32_t checksum(std::span<const std::byte> bytes) {
  return uint32_t(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class Archive {
 public:
  Archive(std::span<const std::byte> bytes, std::string_view source) : bytes_(bytes), source_(source) {}

  std::vector<ZipEntry> read() {
    const Directory directory = find_directory();
    ByteReader reader(bytes_.subspan(size_t(directory.begin), size_t(directory.size)), source_);
    std::vector<Listed> listed;
    std::set<std::string_view> names;
    for (uint64_t i = 0; i < directory.entries; ++i) {
      listed.push_back(read_entry(reader));
    }
    for (const Listed& file : listed) {
      check(names.insert(file.name).second, "two files are named \"{}\"", file.name);
    }
    check(reader.is_at_end(), "the directory's {} entries leave {} of its bytes unused", directory.entries,
          directory.size - reader.at());
    std::vector<ZipEntry> result;
    std::vector<Extent> extents;
    for (Listed& file : listed) {
      const auto contents = contents_of(file, directory.begin);
      extents.push_back({file.header, uint64_t(contents.data() - bytes_.data()) + contents.size(), &file.name});
    }
    check_apart(extents);
    for (size_t i = 0; i < listed.size(); ++i) {
      const auto contents = bytes_.subspan(size_t(extents[i].end - listed[i].size), size_t(listed[i].size));
      check_sum(listed[i], contents);
      result.push_back({std::move(listed[i].name), contents});
    }
    return result;
  }

 private:
  template <class... Args>
  void check(bool condition, fmt::format_string<Args...> text, Args&&... args) const {
    LV_CHECK_AS(IoError, condition, "{}: {}; the zip archive is damaged, copy it again", source_,
                fmt::format(text, std::forward<Args>(args)...));
  }

  /// The end record: the last one whose comment reaches to the end of the archive.
  [[nodiscard]] size_t find_end() const {
    constexpr size_t kLongestComment = 0xFFFF;
    for (size_t comment = 0; comment <= kLongestComment && comment + kEndBytes <= bytes_.size(); ++comment) {
      const size_t at = bytes_.size() - kEndBytes - comment;
      ByteReader reader(bytes_.subspan(at), source_);
      if (reader.number<uint32_t>() == kEndMagic) {
        reader.take(kEndBytes - 4 - 2);
        if (reader.number<uint16_t>() == comment) {
          return at;
        }
      }
    }
    fail<IoError>("{}: has no directory at its end; it is no zip archive or was cut off, copy it again", source_);
  }

  Directory find_directory() const {
    const size_t end = find_end();
    ByteReader reader(bytes_.subspan(end + 4), source_);
    const auto disk = reader.number<uint16_t>();
    const auto directory_disk = reader.number<uint16_t>();
    reader.number<uint16_t>();  // entries on this disk
    Directory directory;
    directory.entries = reader.number<uint16_t>();
    directory.size = reader.number<uint32_t>();
    directory.begin = reader.number<uint32_t>();
    size_t limit = end;
    if (const std::optional<size_t> record = find_zip64(end)) {
      limit = *record;
      directory = read_zip64(*record);
    } else {
      check(disk == 0 && directory_disk == 0, "it is one of several volumes");
    }
    check(directory.begin <= limit && directory.size <= limit - directory.begin,
          "the directory is said to have {} bytes from {} on, and must end before {}", directory.size, directory.begin,
          limit);
    check(directory.entries <= directory.size / kDirectoryEntryBytes, "{} bytes of directory cannot list {} files",
          directory.size, directory.entries);
    return directory;
  }

  /// Where the end record in 64 bits is, if there is one.
  [[nodiscard]] std::optional<size_t> find_zip64(size_t end) const {
    if (end < kZip64PlaceBytes) {
      return std::nullopt;
    }
    ByteReader reader(bytes_.subspan(end - kZip64PlaceBytes, kZip64PlaceBytes), source_);
    if (reader.number<uint32_t>() != kZip64PlaceMagic) {
      return std::nullopt;
    }
    reader.number<uint32_t>();  // disk
    const auto place = reader.number<uint64_t>();
    check(place <= end - kZip64PlaceBytes, "the end record is said to begin at byte {}", place);
    return size_t(place);
  }

  [[nodiscard]] Directory read_zip64(size_t record) const {
    ByteReader reader(bytes_.subspan(record), source_);
    check(reader.number<uint32_t>() == kZip64EndMagic, "there is no end record at byte {}", record);
    reader.take(8 + 2 + 2);  // size of the record, versions
    const auto disk = reader.number<uint32_t>();
    const auto directory_disk = reader.number<uint32_t>();
    check(disk == 0 && directory_disk == 0, "it is one of several volumes");
    reader.number<uint64_t>();  // entries on this disk
    Directory directory;
    directory.entries = reader.number<uint64_t>();
    directory.size = reader.number<uint64_t>();
    directory.begin = reader.number<uint64_t>();
    return directory;
  }

  Listed read_entry(ByteReader& reader) const {
    check(reader.number<uint32_t>() == kDirectoryMagic, "the directory is not a list of files");
    reader.take(2 + 2);  // versions
    const auto flags = reader.number<uint16_t>();
    const auto method = reader.number<uint16_t>();
    reader.take(2 + 2);  // time, date
    Listed file;
    file.crc = reader.number<uint32_t>();
    uint64_t packed = reader.number<uint32_t>();
    file.size = reader.number<uint32_t>();
    const auto name_bytes = reader.number<uint16_t>();
    const auto extra_bytes = reader.number<uint16_t>();
    const auto comment_bytes = reader.number<uint16_t>();
    reader.take(2 + 2 + 4);  // disk, attributes
    file.header = reader.number<uint32_t>();
    file.name = reader.text(name_bytes);
    check(is_utf8(file.name) && file.name.find('\0') == std::string::npos, "a file's name is not UTF-8");
    widen(reader.take(extra_bytes), file, packed);
    reader.take(comment_bytes);
    LV_CHECK_AS(IoError, (flags & kEncrypted) == 0, "{}: \"{}\" is encrypted; torch.save writes plain files", source_,
                file.name);
    LV_CHECK_AS(IoError, method == kStored,
                "{}: \"{}\" is compressed (method {}), torch.save stores; load it with torch and save it again",
                source_, file.name, method);
    check(packed == file.size, "\"{}\" is stored in {} bytes but said to have {}", file.name, packed, file.size);
    return file;
  }

  /// Takes from the extra fields what 32 bits had no room for.
  void widen(std::span<const std::byte> extra, Listed& file, uint64_t& packed) const {
    ByteReader reader(extra, source_);
    while (!reader.is_at_end()) {
      const auto id = reader.number<uint16_t>();
      ByteReader field(reader.take(reader.number<uint16_t>()), source_);
      if (id == kZip64Field) {
        for (uint64_t* value : {&file.size, &packed, &file.header}) {
          *value = *value == 0xFFFFFFFF ? field.number<uint64_t>() : *value;
        }
      }
    }
  }

  [[nodiscard]] std::span<const std::byte> contents_of(const Listed& file, uint64_t limit) const {
    check(file.header <= limit && kFileHeaderBytes <= limit - file.header, "\"{}\" is said to begin at byte {} of {}",
          file.name, file.header, limit);
    ByteReader reader(bytes_.subspan(size_t(file.header), size_t(limit - file.header)), source_);
    check(reader.number<uint32_t>() == kFileMagic, "\"{}\" does not begin at byte {}", file.name, file.header);
    reader.take(2 + 2 + 2 + 2 + 2 + 4 + 4 + 4);  // as in the directory, or left out here
    const auto name_bytes = reader.number<uint16_t>();
    const auto extra_bytes = reader.number<uint16_t>();
    check(reader.text(name_bytes) == file.name, "another file than \"{}\" begins at byte {}", file.name, file.header);
    reader.take(extra_bytes);
    return reader.take(file.size);
  }

  void check_apart(std::vector<Extent> extents) const {
    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (size_t i = 1; i < extents.size(); ++i) {
      check(extents[i - 1].end <= extents[i].begin, "\"{}\" and \"{}\" overlap", *extents[i - 1].name,
            *extents[i].name);
    }
  }

  void check_sum(const Listed& file, std::span<const std::byte> contents) const {
    if (file.crc != 0) {
      const uint32_t sum = checksum(contents);
      check(sum == file.crc, "\"{}\" has the checksum {:08x} instead of {:08x}", file.name, sum, file.crc);
    }
  }

  std::span<const std::byte> bytes_;
  std::string_view source_;
};

}  // namespace

std::vector<ZipEntry> read_zip(std::span<const std::byte> archive, std::string_view source) {
  return Archive(archive, source).read();
}

uint32_t ZipWriter::narrow(uint64_t value) const {
  LV_CHECK_AS(IoError, value < 0xFFFFFFFF, "{}: would have more than 4 GiB, which safetensors can hold", source_);
  return uint32_t(value);
}

void ZipWriter::write(std::span<const std::byte> bytes) {
  sink_(bytes);
  written_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> bytes) {
  constexpr uint64_t kAlignment = 64;
  constexpr uint16_t kPaddingField = 0x4246;  // "FB", torch's own
  constexpr uint64_t kFieldHeader = 4;
  const Entry entry{name, narrow(written_), narrow(bytes.size()), checksum(bytes)};
  const uint64_t start = written_ + kFileHeaderBytes + name.size() + kFieldHeader;
  const auto padding = uint16_t((kAlignment - start % kAlignment) % kAlignment);
  Bytes header;
  header.put(kFileMagic, kVersion, kUtf8Names, kStored, kNoTime, kNoTime, entry.crc, entry.size, entry.size,
             uint16_t(name.size()), uint16_t(kFieldHeader + padding));
  header.put_text(name).put(kPaddingField, padding).put_text(std::string(padding, 'Z'));
  write(header.bytes());
  write(bytes);
  entries_.push_back(entry);
}

void ZipWriter::finish() {
  const uint32_t begin = narrow(written_);
  constexpr uint16_t kNothing = 0;
  Bytes directory;
  for (const Entry& entry : entries_) {
    directory.put(kDirectoryMagic, kVersion, kVersion, kUtf8Names, kStored, kNoTime, kNoTime, entry.crc, entry.size,
                  entry.size, uint16_t(entry.name.size()), kNothing, kNothing, kNothing, kNothing, uint32_t{0},
                  entry.begin);
    directory.put_text(entry.name);
  }
  LV_CHECK_AS(IoError, entries_.size() < 0xFFFF, "{}: would have {} files, more than 65534", source_, entries_.size());
  const auto count = uint16_t(entries_.size());
  const uint32_t size = narrow(directory.bytes().size());
  directory.put(kEndMagic, kNothing, kNothing, count, count, size, begin, kNothing);
  write(directory.bytes());
}

}  // namespace lv::checkpoint
