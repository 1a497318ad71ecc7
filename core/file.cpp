#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace lv {

namespace {

/// A descriptor that is closed at the end of the scope.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

/// A name beside `path` that no other writer uses.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  std::filesystem::path name = path;
  return name.replace_filename(
      fmt::format(".{}.{}-{}.partial", path.filename().string(), ::getpid(), count.fetch_add(1)));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  struct stat status{};
  LV_CHECK_AS(IoError, file.get() >= 0 && ::fstat(file.get(), &status) == 0, "{}: cannot open: {}", path.string(),
              std::strerror(errno));
  LV_CHECK_AS(IoError, S_ISREG(status.st_mode), "{}: is not a regular file", path.string());
  if (status.st_size == 0) {
    return;  // an empty mapping is an error of the system call
  }
  const auto size = size_t(status.st_size);
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  LV_CHECK_AS(IoError, mapped != MAP_FAILED, "{}: cannot map {} bytes: {}", path.string(), size, std::strerror(errno));
  ::madvise(mapped, size, MADV_SEQUENTIAL);
  bytes_ = {static_cast<const std::byte*>(mapped), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    fail_step("create a temporary file beside it");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    close_file();
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::close_file() noexcept {
  ::close(descriptor_);
  descriptor_ = -1;
}

void AtomicFile::fail_step(std::string_view step) const {
  const int reason = errno;
  fail<IoError>("{}: cannot {}: {}; a file of this name is left as it was", path_.string(), step,
                std::strerror(reason));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr size_t kMaxPiece = size_t{1} << 30;  // the system call takes less than 2 GiB
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMaxPiece));
    if (written > 0) {
      bytes = bytes.subspan(size_t(written));
    } else if (written == 0 || errno != EINTR) {
      fail_step("write");
    }
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) {
    fail_step("flush");
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail_step("rename the temporary file");
  }
  close_file();
  sync_folder(path_.has_parent_path() ? path_.parent_path() : ".");
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  LV_CHECK_AS(IoError, descriptor.get() >= 0 && ::fsync(descriptor.get()) == 0, "{}: cannot flush the folder: {}",
              folder.string(), std::strerror(errno));
}

}  // namespace lv
