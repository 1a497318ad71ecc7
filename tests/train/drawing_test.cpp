#include <catch2/catch.hpp>
#include <cmath>

#include "apps/train/canvas.h"
#include "apps/train/font.h"
#include "apps/train/plot.h"
#include "apps/train/report_page.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

using namespace lv::train;

namespace {

int64_t count(const Canvas& canvas, Color color) {
  int64_t found = 0;
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      found += int64_t(canvas.at(x, y) == color);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a picture comes back from its PNG") {
  Canvas canvas(5, 3, kBlue);
  canvas.set(4, 2, kRed);
  const std::string png = encode_png(canvas);
  int width = 0;
  int height = 0;
  int channels = 0;
  uint8_t* const pixels = stbi_load_from_memory(reinterpret_cast<const uint8_t*>(png.data()), int(png.size()), &width,
                                                &height, &channels, 0);
  REQUIRE(pixels != nullptr);
  CHECK((width == 5 && height == 3 && channels == 3));
  CHECK(std::equal(canvas.pixels().begin(), canvas.pixels().end(), pixels));
  stbi_image_free(pixels);
}

TEST_CASE("drawing stays inside of the picture") {
  Canvas canvas(10, 8);
  canvas.fill(-5, -5, 8, 8, kRed);
  CHECK(count(canvas, kRed) == 9);
  canvas.draw(8, 6, Canvas(5, 5, kGreen));
  CHECK(count(canvas, kGreen) == 4);
  canvas.draw(-4, 0, Canvas(5, 2, kGreen));
  CHECK(count(canvas, kGreen) == 6);
  const Point points[] = {{-20, -3}, {30, 40}};
  canvas.polyline(points, 3, kBlue);
  canvas.text(-3, 5, "edge", kInk);
}

TEST_CASE("a line covers its width once, also where segments meet") {
  Canvas canvas(40, 20);
  const Point points[] = {{5, 10}, {20, 10}, {20, 10}, {34, 10}};
  canvas.polyline(points, 3, kInk);
  for (int x = 6; x < 34; ++x) {
    CHECK(canvas.at(x, 10) == kInk);
    CHECK(canvas.at(x, 9) == kInk);
    CHECK(canvas.at(x, 11) == kInk);
    CHECK(canvas.at(x, 13) == kWhite);
  }
}

TEST_CASE("letters differ from each other and have their width") {
  std::vector<std::string> drawn;
  for (char c = '!'; c <= '~'; ++c) {
    const Glyph glyph = glyph_of(c);
    CHECK((glyph.width >= 1 && glyph.width <= 5));
    Canvas canvas(8, kTextRows);
    canvas.text(0, 0, std::string(1, c), kInk, 1);
    std::string key;
    for (int y = 0; y < kTextRows; ++y) {
      for (int x = 0; x < 8; ++x) {
        key += canvas.at(x, y) == kInk ? '#' : '.';
      }
    }
    INFO(c);
    CHECK(std::find(drawn.begin(), drawn.end(), key) == drawn.end());
    drawn.push_back(key);
  }
  CHECK(text_width("I", 2) == 2 * glyph_of('I').width);
  CHECK(text_width("II", 1) == 2 * glyph_of('I').width + 1);
  CHECK(fit_text("a long text", text_width("a long text")) == "a long text");
  CHECK(text_width(fit_text("a long text", 60)) <= 60);
  CHECK(glyph_of('\n').columns == glyph_of('?').columns);
}

TEST_CASE("resizing keeps a constant picture and the mean") {
  const Canvas even = resized(Canvas(7, 5, kOrange), 13, 2);
  CHECK(count(even, kOrange) == 26);
  Canvas half(2, 1, Color{0, 0, 0});
  half.set(1, 0, Color{200, 100, 50});
  CHECK(resized(half, 1, 1).at(0, 0) == Color{100, 50, 25});
  const Canvas grown = resized(half, 4, 1);
  CHECK(grown.at(0, 0) == Color{0, 0, 0});
  CHECK(grown.at(1, 0) == Color{50, 25, 13});
  CHECK(grown.at(3, 0) == Color{200, 100, 50});
}

TEST_CASE("ticks are round and cover the range") {
  CHECK(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 2 * 0.2, 3 * 0.2, 0.8, 1});
  CHECK(round_ticks(0, 90, 7) == std::vector<double>{0, 20, 40, 60, 80});
  CHECK(round_ticks(-0.9, 1.1, 4) == std::vector<double>{-0.5, 0, 0.5, 1});
  CHECK(round_ticks(1234, 1238, 4) == std::vector<double>{1234, 1235, 1236, 1237, 1238});
  CHECK(round_ticks(3e-7, 9e-7, 4) == std::vector<double>{2 * 2e-7, 3 * 2e-7, 4 * 2e-7});
}

TEST_CASE("a plot shows each curve in its colour, and says when there is nothing") {
  Plot plot{.title = "loss", .x_label = "epoch", .curves = {{"a", kBlue, {}}, {"b", kOrange, {}}}};
  const Canvas empty = draw_plot(plot);
  const int64_t legend_only = count(empty, kBlue);
  CHECK(count(empty, kGrey) > 0);
  plot.curves[0].points = {{0, 1}, {1, std::nan("")}, {2, 0}, {3, 5}};
  plot.curves[1].points = {{1, 2}};
  const Canvas full = draw_plot(plot);
  CHECK(count(full, kGrey) == 0);
  CHECK(count(full, kBlue) > legend_only + 200);
  CHECK(count(full, kOrange) > count(empty, kOrange));
}

TEST_CASE("pictures on a page do not overlap") {
  const Canvas page = arrange(
      {{"one", Canvas(100, 50, kRed)}, {"two", Canvas(80, 90, kGreen)}, {"three", Canvas(200, 10, kBlue)}}, 260);
  CHECK(count(page, kRed) == 5000);
  CHECK(count(page, kGreen) == 7200);
  CHECK(count(page, kBlue) == 2000);
  CHECK(page.width() <= 260);
}
