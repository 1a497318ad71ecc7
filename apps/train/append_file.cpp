#include "apps/train/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace lv::train {

AppendFile::AppendFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  LV_CHECK_AS(IoError, descriptor_ >= 0, "{}: cannot open to append: {}", path_.string(), std::strerror(errno));
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::write(std::string_view record) {
  while (!record.empty()) {
    const ssize_t written = ::write(descriptor_, record.data(), record.size());
    if (written >= 0) {
      record.remove_prefix(size_t(written));
    } else {
      LV_CHECK_AS(IoError, errno == EINTR, "{}: cannot write: {}", path_.string(), std::strerror(errno));
    }
  }
}

}  // namespace lv::train
