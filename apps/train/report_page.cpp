#include "apps/train/report_page.h"

#include <algorithm>

#include "apps/train/plot.h"

namespace lv::train {

namespace {

/// The name of what evaluations measure first.
std::string criterion(const Metrics& metrics) {
  for (const MetricRecord& record : metrics.records()) {
    if (record.kind == "eval" && !record.values.empty()) {
      return record.values[0].name;
    }
  }
  return {};
}

}  // namespace

Canvas draw_curves(const Metrics& metrics) {
  const Plot losses{.title = "loss",
                    .x_label = "epoch",
                    .curves = {{"training", kBlue, metrics.series("train", "loss")},
                               {"evaluation", kOrange, metrics.series("eval", "loss")}}};
  const std::string name = criterion(metrics);
  const Plot measured{
      .title = name, .x_label = "epoch", .curves = {{"evaluation", kOrange, metrics.series("eval", name)}}};
  Canvas page(losses.width + measured.width, losses.height);
  page.draw(0, 0, draw_plot(losses));
  page.draw(losses.width, 0, draw_plot(measured));
  return page;
}

Canvas arrange(const std::vector<NamedPicture>& pictures, int width) {
  constexpr int kGap = 24;
  constexpr int kTitle = 26;
  struct Place {
    int x;
    int y;
  };
  std::vector<Place> places;
  int x = kGap;
  int y = kGap;
  int row_height = 0;
  int right = 0;
  for (const auto& [name, picture] : pictures) {
    if (x > kGap && x + picture.width() + kGap > width) {
      x = kGap;
      y += row_height + kGap;
      row_height = 0;
    }
    places.push_back({x, y});
    x += picture.width() + kGap;
    right = std::max(right, x);
    row_height = std::max(row_height, picture.height() + kTitle);
  }
  Canvas page(std::max(right, kGap), y + row_height + kGap);
  for (size_t i = 0; i < pictures.size(); ++i) {
    page.text(places[i].x, places[i].y, pictures[i].name, kInk);
    page.draw(places[i].x, places[i].y + kTitle, pictures[i].picture);
  }
  return page;
}

void save_report(const std::filesystem::path& folder, const Metrics& metrics,
                 const std::vector<NamedPicture>& pictures) {
  constexpr int kPageWidth = 1330;
  const Canvas curves = draw_curves(metrics);
  save_png(folder / "curves.png", curves);
  std::vector<NamedPicture> all = pictures;
  all.push_back({"curves", curves});
  save_png(folder / "report.png", arrange(all, kPageWidth));
}

}  // namespace lv::train
