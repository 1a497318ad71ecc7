#include "apps/train/plot.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace lv::train {

namespace {

constexpr int kTop = 40;
constexpr int kBottom = 52;
constexpr int kLeft = 76;
constexpr int kRight = 20;

struct Range {
  double low = 0;
  double high = 1;
};

/// From values to pixels.
struct Frame {
  Range x;
  Range y;
  int width;   // of the whole plot
  int height;  // of the whole plot

  [[nodiscard]] double column(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (width - kLeft - kRight);
  }
  [[nodiscard]] double row(double value) const {
    return height - kBottom - (value - y.low) / (y.high - y.low) * (height - kTop - kBottom);
  }
};

bool is_finite(const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

Range range_of(const Plot& plot, double Point::* axis, double margin) {
  Range range{HUGE_VAL, -HUGE_VAL};
  for (const Curve& curve : plot.curves) {
    for (const Point& point : curve.points) {
      if (is_finite(point)) {
        range = {std::min(range.low, point.*axis), std::max(range.high, point.*axis)};
      }
    }
  }
  if (range.low > range.high) {
    return {};
  }
  if (range.low == range.high) {
    const double half = std::max(1e-3, std::abs(range.low) * 0.1);
    return {range.low - half, range.high + half};
  }
  const double spare = (range.high - range.low) * margin;
  return {range.low - spare, range.high + spare};
}

void draw_axes(Canvas& canvas, const Frame& frame, const std::string& x_label) {
  const int right = frame.width - kRight;
  const int bottom = frame.height - kBottom;
  for (const double value : round_ticks(frame.y.low, frame.y.high, 6)) {
    const int row = int(std::lround(frame.row(value)));
    const std::string text = fmt::format("{:.6g}", value);
    canvas.fill(kLeft, row, right - kLeft, 1, kPaleGrey);
    canvas.text(kLeft - 8 - text_width(text), row - kTextRows + 1, text, kInk);
  }
  for (const double value : round_ticks(frame.x.low, frame.x.high, 7)) {
    const int column = int(std::lround(frame.column(value)));
    const std::string text = fmt::format("{:.6g}", value);
    canvas.fill(column, kTop, 1, bottom - kTop, kPaleGrey);
    canvas.fill(column, bottom, 1, 5, kInk);
    canvas.text(column - text_width(text) / 2, bottom + 9, text, kInk);
  }
  canvas.fill(kLeft, kTop, 1, bottom - kTop + 1, kInk);
  canvas.fill(kLeft, bottom, right - kLeft, 1, kInk);
  canvas.text((kLeft + right - text_width(x_label)) / 2, frame.height - 20, x_label, kInk);
}

void draw_legend(Canvas& canvas, const Plot& plot) {
  int x = plot.width - kRight;
  for (auto curve = plot.curves.rbegin(); curve != plot.curves.rend(); ++curve) {
    x -= text_width(curve->name);
    canvas.text(x, 14, curve->name, kInk);
    const Point ends[] = {{double(x - 30), 21}, {double(x - 10), 21}};
    canvas.polyline(ends, 3, curve->color);
    x -= 46;
  }
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    step = factor * power >= rough ? factor * power : step;
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step); k * step <= high; ++k) {
    ticks.push_back(k * step + 0.0);  // not -0
  }
  return ticks;
}

Canvas draw_plot(const Plot& plot) {
  Canvas canvas(plot.width, plot.height);
  const Frame frame{range_of(plot, &Point::x, 0), range_of(plot, &Point::y, 0.05), plot.width, plot.height};
  canvas.text(kLeft, 14, plot.title, kInk);
  draw_axes(canvas, frame, plot.x_label);
  draw_legend(canvas, plot);
  bool is_empty = true;
  for (const Curve& curve : plot.curves) {
    std::vector<Point> points;
    for (const Point& point : curve.points) {
      if (is_finite(point)) {
        points.push_back({frame.column(point.x), frame.row(point.y)});
      }
    }
    if (points.size() == 1) {  // a dot
      points.push_back(points[0]);
      canvas.polyline(points, 7, curve.color);
    } else {
      canvas.polyline(points, 2.5, curve.color);
    }
    is_empty = is_empty && points.empty();
  }
  if (is_empty) {
    constexpr std::string_view kNothing = "no values yet";
    canvas.text((plot.width - text_width(kNothing)) / 2, plot.height / 2, kNothing, kGrey);
  }
  return canvas;
}

}  // namespace lv::train
