#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lv::kernels::cpu::LV_ISA {

/// Which input pixels the outputs of a convolution or of its input gradient read, and where outputs lie: output (line,
/// column) of an image reads input pixel (line * line_step + tap.line, column * column_step + tap.column); pixels
/// outside are zero.
struct GatherShape {
  struct Tap {
    int64_t line, column;
  };
  /// The least and the greatest offsets of the taps.
  struct Limits {
    int64_t top = 0, bottom = 0, left = 0, right = 0;
  };

  int64_t images, lines, columns;  // of outputs
  int64_t in_lines, in_columns;    // of inputs
  int64_t line_step = 1, column_step = 1;
  std::vector<Tap> taps;
  int64_t in_pixel;                        // elements between pixels of the input
  int64_t out_image, out_line, out_pixel;  // elements between those of the output
};

inline GatherShape::Limits tap_limits(const std::vector<GatherShape::Tap>& taps) {
  if (taps.empty()) {
    return {};
  }
  GatherShape::Limits limits{taps[0].line, taps[0].line, taps[0].column, taps[0].column};
  for (const auto& [line, column] : taps) {
    limits.top = std::min(limits.top, line);
    limits.bottom = std::max(limits.bottom, line);
    limits.left = std::min(limits.left, column);
    limits.right = std::max(limits.right, column);
  }
  return limits;
}

}  // namespace lv::kernels::cpu::LV_ISA
