#pragma once

#include <filesystem>

#include "apps/train/metrics.h"

namespace lv::train {

/// The curves of a run: the loss of training, and the first value of its evaluations.
Canvas draw_curves(const Metrics& metrics);

/// Pictures with their names above them, in rows of at most `width` pixels.
Canvas arrange(const std::vector<NamedPicture>& pictures, int width);

/// Writes curves.png, and report.png: the pictures and the curves on one page.
void save_report(const std::filesystem::path& folder, const Metrics& metrics,
                 const std::vector<NamedPicture>& pictures);

}  // namespace lv::train
