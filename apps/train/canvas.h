#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lv::train {

struct Color {
  uint8_t r = 0;
  uint8_t g = 0;
  uint8_t b = 0;

  constexpr bool operator==(const Color&) const = default;
};

inline constexpr Color kWhite{255, 255, 255};
inline constexpr Color kInk{33, 37, 41};
inline constexpr Color kGrey{150, 155, 160};
inline constexpr Color kPaleGrey{228, 231, 235};
inline constexpr Color kBlue{31, 104, 190};
inline constexpr Color kOrange{232, 119, 34};
inline constexpr Color kGreen{36, 140, 70};
inline constexpr Color kRed{200, 45, 50};

struct Point {
  double x = 0;
  double y = 0;
};

/// A picture to draw on: 8-bit RGB, row by row from the upper left. What falls outside is left out.
class Canvas {
 public:
  Canvas(int width, int height, Color background = kWhite);

  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  /// [height, width, 3]
  [[nodiscard]] std::span<const uint8_t> pixels() const { return pixels_; }
  [[nodiscard]] Color at(int x, int y) const;
  void set(int x, int y, Color color);

  void fill(int x, int y, int width, int height, Color color);
  /// A line through the points, `width` pixels wide, with smoothed edges.
  void polyline(std::span<const Point> points, double width, Color color);
  /// `picture` with its upper left corner at (x, y).
  void draw(int x, int y, const Canvas& picture);
  /// A line of text with its upper left corner at (x, y), in a font of 8 rows times `scale`. Printable ASCII; other
  /// characters are drawn as '?'.
  void text(int x, int y, std::string_view text, Color color, int scale = 2);

 private:
  void blend(int x, int y, double share, Color color);

  int width_;
  int height_;
  std::vector<uint8_t> pixels_;
};

inline constexpr int kTextRows = 8;

/// Pixels that Canvas::text takes in width.
int text_width(std::string_view text, int scale = 2);
/// `text`, cut and ended with ".." where it is wider than `width` pixels.
std::string fit_text(std::string_view text, int width, int scale = 2);

/// `picture` in another size: bilinear when it grows, the mean of the covered pixels when it shrinks.
Canvas resized(const Canvas& picture, int width, int height);

/// The picture as a PNG file's bytes.
std::string encode_png(const Canvas& picture);
/// Writes a PNG file, complete or not at all. Throws IoError.
void save_png(const std::filesystem::path& path, const Canvas& picture);

}  // namespace lv::train
