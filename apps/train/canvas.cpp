#include "apps/train/canvas.h"

#include <algorithm>
#include <cmath>

#include "apps/train/font.h"
#include "core/error.h"

namespace lv::train {

namespace {

/// Where the pixels of one axis of a resized picture come from: weights of consecutive source pixels.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

std::vector<Taps> resize_taps(int from, int to) {
  const double ratio = double(from) / to;
  const double radius = std::max(1.0, ratio);  // of the triangle filter, in source pixels
  std::vector<Taps> axis;
  for (int i = 0; i < to; ++i) {
    const double center = (i + 0.5) * ratio - 0.5;
    Taps taps{std::max(0, int(std::ceil(center - radius))), {}};
    const int last = std::min(from - 1, int(std::floor(center + radius)));
    double sum = 0;
    for (int s = taps.first; s <= last; ++s) {
      taps.weights.push_back(std::max(0.0, 1 - std::abs(s - center) / radius));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) {
      weight /= sum;
    }
    axis.push_back(std::move(taps));
  }
  return axis;
}

double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double t = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

}  // namespace

Canvas::Canvas(int width, int height, Color background) : width_(width), height_(height) {
  LV_CHECK(width > 0 && height > 0, "canvas: wants a positive size, got {} x {}", width, height);
  pixels_.resize(size_t(width) * size_t(height) * 3);
  fill(0, 0, width, height, background);
}

Color Canvas::at(int x, int y) const {
  const uint8_t* const p = &pixels_[(size_t(y) * size_t(width_) + size_t(x)) * 3];
  return {p[0], p[1], p[2]};
}

void Canvas::set(int x, int y, Color color) {
  uint8_t* const p = &pixels_[(size_t(y) * size_t(width_) + size_t(x)) * 3];
  p[0] = color.r;
  p[1] = color.g;
  p[2] = color.b;
}

void Canvas::fill(int x, int y, int width, int height, Color color) {
  for (int row = std::max(y, 0); row < std::min(y + height, height_); ++row) {
    for (int column = std::max(x, 0); column < std::min(x + width, width_); ++column) {
      set(column, row, color);
    }
  }
}

void Canvas::blend(int x, int y, double share, Color color) {
  const Color below = at(x, y);
  const auto mix = [share](uint8_t from, uint8_t to) { return uint8_t(std::lround(from + share * (to - from))); };
  set(x, y, {mix(below.r, color.r), mix(below.g, color.g), mix(below.b, color.b)});
}

void Canvas::polyline(std::span<const Point> points, double width, Color color) {
  // Coverage is collected first: where two segments meet, the line is not drawn twice.
  std::vector<float> coverage(size_t(width_) * size_t(height_), 0);
  const double reach = width / 2 + 1;
  const auto limit = [](double value, int size) { return std::clamp(int(std::floor(value)), 0, size); };
  for (size_t i = 0; i < points.size(); ++i) {
    const Point a = points[i];
    const Point b = points[std::min(i + 1, points.size() - 1)];
    const int bottom = limit(std::max(a.y, b.y) + reach + 1, height_);
    const int right = limit(std::max(a.x, b.x) + reach + 1, width_);
    for (int y = limit(std::min(a.y, b.y) - reach, height_); y < bottom; ++y) {
      for (int x = limit(std::min(a.x, b.x) - reach, width_); x < right; ++x) {
        float& covered = coverage[size_t(y) * size_t(width_) + size_t(x)];
        const double distance = distance_to_segment({double(x), double(y)}, a, b);
        covered = std::max(covered, float(std::clamp(width / 2 + 0.5 - distance, 0.0, 1.0)));
      }
    }
  }
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      if (const float share = coverage[size_t(y) * size_t(width_) + size_t(x)]; share > 0) {
        blend(x, y, share, color);
      }
    }
  }
}

void Canvas::draw(int x, int y, const Canvas& picture) {
  for (int row = std::max(0, -y); row < std::min(picture.height_, height_ - y); ++row) {
    for (int column = std::max(0, -x); column < std::min(picture.width_, width_ - x); ++column) {
      set(x + column, y + row, picture.at(column, row));
    }
  }
}

void Canvas::text(int x, int y, std::string_view text, Color color, int scale) {
  for (const char c : text) {
    const Glyph glyph = glyph_of(c);
    for (int column = 0; column < glyph.width; ++column) {
      for (int row = 0; row < kTextRows; ++row) {
        if ((glyph.columns[column] >> row & 1) != 0) {
          fill(x + column * scale, y + row * scale, scale, scale, color);
        }
      }
    }
    x += (glyph.width + 1) * scale;
  }
}

int text_width(std::string_view text, int scale) {
  int width = 0;
  for (const char c : text) {
    width += (glyph_of(c).width + 1) * scale;
  }
  return std::max(0, width - scale);
}

std::string fit_text(std::string_view text, int width, int scale) {
  if (text_width(text, scale) <= width) {
    return std::string(text);
  }
  while (!text.empty() && text_width(std::string(text) + "..", scale) > width) {
    text.remove_suffix(1);
  }
  return std::string(text) + "..";
}

Canvas resized(const Canvas& picture, int width, int height) {
  const std::vector<Taps> columns = resize_taps(picture.width(), width);
  const std::vector<Taps> rows = resize_taps(picture.height(), height);
  Canvas result(width, height);
  for (int y = 0; y < height; ++y) {
    const Taps& row = rows[size_t(y)];
    for (int x = 0; x < width; ++x) {
      const Taps& column = columns[size_t(x)];
      double r = 0;
      double g = 0;
      double b = 0;
      for (size_t j = 0; j < row.weights.size(); ++j) {
        for (size_t i = 0; i < column.weights.size(); ++i) {
          const Color color = picture.at(column.first + int(i), row.first + int(j));
          const double weight = row.weights[j] * column.weights[i];
          r += weight * color.r;
          g += weight * color.g;
          b += weight * color.b;
        }
      }
      result.set(x, y, {uint8_t(std::lround(r)), uint8_t(std::lround(g)), uint8_t(std::lround(b))});
    }
  }
  return result;
}

}  // namespace lv::train
