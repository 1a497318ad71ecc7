#include "apps/train/event_format.h"

#include <array>
#include <bit>

namespace lv::train {

namespace {

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (0x82F63B78U & (0 - (crc & 1)));
    }
    table[i] = crc;
  }
  return table;
}();

template <class T>
void append_little_endian(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out += char(value >> (8 * i) & 0xFF);
  }
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += char(value | 0x80);
  }
  out += char(value);
}

/// A message in the wire format: fields are a key (number and kind) and a value.
class Message {
 public:
  Message& varint(int field, uint64_t value) {
    key(field, 0);
    append_varint(bytes_, value);
    return *this;
  }
  Message& number(int field, double value) {
    key(field, 1);
    append_little_endian(bytes_, std::bit_cast<uint64_t>(value));
    return *this;
  }
  Message& number(int field, float value) {
    key(field, 5);
    append_little_endian(bytes_, std::bit_cast<uint32_t>(value));
    return *this;
  }
  Message& bytes(int field, std::string_view value) {
    key(field, 2);
    append_varint(bytes_, value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return bytes(field, value.bytes_); }
  [[nodiscard]] const std::string& text() const { return bytes_; }

 private:
  void key(int field, int kind) { append_varint(bytes_, uint64_t(field << 3 | kind)); }

  std::string bytes_;
};

// Field numbers of the messages Event, SessionLog, Summary, Summary.Value and Summary.Image.
constexpr int kEventWallTime = 1;
constexpr int kEventStep = 2;
constexpr int kEventFileVersion = 3;
constexpr int kEventSummary = 5;
constexpr int kEventSessionLog = 7;
constexpr int kSessionLogStatus = 1;
constexpr int kStatusStart = 1;
constexpr int kSummaryValue = 1;
constexpr int kValueTag = 1;
constexpr int kValueSimple = 2;
constexpr int kValueImage = 4;
constexpr int kImageHeight = 1;
constexpr int kImageWidth = 2;
constexpr int kImageColorspace = 3;
constexpr int kImageEncoded = 4;
constexpr int kColorspaceRgb = 3;

Message event(double wall_time, int64_t step) {
  Message message;
  message.number(kEventWallTime, wall_time);
  if (step != 0) {  // zero is the default and left out, as the reference writers do
    message.varint(kEventStep, uint64_t(step));
  }
  return message;
}

std::string summary_event(double wall_time, int64_t step, const Message& value) {
  return event(wall_time, step).message(kEventSummary, Message().message(kSummaryValue, value)).text();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = crc >> 8 ^ kCrcTable[(crc ^ uint8_t(c)) & 0xFF];
  }
  return ~crc;
}

std::string frame_record(std::string_view message) {
  const auto masked = [](std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; };
  std::string record;
  append_little_endian(record, uint64_t(message.size()));
  append_little_endian(record, masked(record));
  record += message;
  append_little_endian(record, masked(message));
  return record;
}

std::string version_event(double wall_time) {
  return event(wall_time, 0).bytes(kEventFileVersion, "brain.Event:2").text();
}

std::string restart_event(double wall_time, int64_t step) {
  return event(wall_time, step).message(kEventSessionLog, Message().varint(kSessionLogStatus, kStatusStart)).text();
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value) {
  return summary_event(wall_time, step, Message().bytes(kValueTag, tag).number(kValueSimple, value));
}

std::string image_event(double wall_time, int64_t step, std::string_view tag, int width, int height,
                        std::string_view png) {
  Message image;
  image.varint(kImageHeight, uint64_t(height)).varint(kImageWidth, uint64_t(width));
  image.varint(kImageColorspace, kColorspaceRgb).bytes(kImageEncoded, png);
  return summary_event(wall_time, step, Message().bytes(kValueTag, tag).message(kValueImage, image));
}

}  // namespace lv::train
