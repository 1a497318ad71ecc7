#include <algorithm>
#include <cmath>

#include "apps/train/classification_task.h"

namespace lv::train {

namespace {

/// From white to blue.
Color shade(double share) {
  const auto mix = [share](uint8_t to) { return uint8_t(std::lround(255 + share * (to - 255))); };
  return {mix(kBlue.r), mix(kBlue.g), mix(kBlue.b)};
}

}  // namespace

Canvas draw_confusion(const std::vector<int64_t>& confusion, const std::vector<std::string>& classes) {
  constexpr int kSide = 520;
  constexpr int kSmallestNamed = 14;  // pixels of a cell
  constexpr int kSmallestCounted = 30;
  const auto count = int(classes.size());
  const int cell = std::max(1, kSide / count);
  int margin = 0;
  if (cell >= kSmallestNamed) {
    for (const std::string& name : classes) {
      margin = std::max(margin, text_width(fit_text(name, 110)) + 10);
    }
  }
  const int top = margin > 0 ? 24 : 0;
  Canvas picture(margin + cell * count + 1, top + cell * count + 1);
  for (int row = 0; row < count; ++row) {
    const auto* const line = &confusion[size_t(row) * size_t(count)];
    int64_t sum = 0;
    for (int column = 0; column < count; ++column) {
      sum += line[column];
    }
    if (margin > 0) {
      picture.text(0, top + row * cell + (cell - 2 * kTextRows) / 2, fit_text(classes[size_t(row)], 110), kInk);
      const std::string short_name = fit_text(classes[size_t(row)], cell - 4);
      picture.text(margin + row * cell + (cell - text_width(short_name)) / 2, 4, short_name, kInk);
    }
    for (int column = 0; column < count; ++column) {
      const double share = sum > 0 ? double(line[column]) / double(sum) : 0;
      const int x = margin + column * cell;
      const int y = top + row * cell;
      picture.fill(x, y, cell, cell, shade(std::sqrt(share)));  // the root, so that rare errors are seen
      if (cell >= kSmallestCounted && line[column] > 0) {
        const std::string text = std::to_string(line[column]);
        picture.text(x + (cell - text_width(text)) / 2, y + (cell - 2 * kTextRows) / 2, text,
                     share > 0.25 ? kWhite : kInk);
      }
    }
  }
  return picture;
}

}  // namespace lv::train
