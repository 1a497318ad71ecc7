#pragma once

#include <string>
#include <vector>

#include "apps/train/canvas.h"

namespace lv::train {

struct Curve {
  std::string name;
  Color color;
  std::vector<Point> points;  // x ascends
};

struct Plot {
  std::string title;
  std::string x_label;
  std::vector<Curve> curves;
  int width = 640;
  int height = 400;
};

/// Draws curves in one frame: axes with ticks at round values, a grid, a legend. Points that are not finite are left
/// out; without any point the frame says so.
Canvas draw_plot(const Plot& plot);

/// Round values, 1, 2 or 5 times a power of ten apart, that lie within [low, high]; about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace lv::train
