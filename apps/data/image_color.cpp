#include "apps/data/image_color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lv::data {

namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

/// Maps every value by a function of it.
template <class Map>
Table table_of(Map map) {
  Table table;
  for (int v = 0; v < 256; ++v) {
    table[size_t(v)] = map(v);
  }
  return table;
}

Image map_values(const Image& image, const Table& table) {
  Image result = image;
  for (uint8_t& value : result.pixels) {
    value = table[value];
  }
  return result;
}

/// make_table(histogram) of each channel.
template <class MakeTable>
Image map_by_histogram(const Image& image, MakeTable make_table) {
  std::array<Histogram, 3> histograms{};
  std::array<Table, 3> tables;
  const auto for_each = [&](auto&& image_pixels, auto&& fn) {
    size_t channel = 0;
    for (auto& value : image_pixels) {
      fn(channel, value);
      channel = channel + 1 == size_t(image.channels) ? 0 : channel + 1;
    }
  };
  for_each(image.pixels, [&](size_t channel, uint8_t value) { ++histograms[channel][value]; });
  for (size_t channel = 0; channel < size_t(image.channels); ++channel) {
    tables[channel] = make_table(histograms[channel]);
  }
  Image result = image;
  for_each(result.pixels, [&](size_t channel, uint8_t& value) { value = tables[channel][value]; });
  return result;
}

uint8_t identity(int v) { return uint8_t(v); }

uint8_t luminance(const uint8_t* rgb) {
  return uint8_t((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

/// In single precision, cut towards zero.
uint8_t blend_values(int from, int to, float factor) {
  const float value = float(from) + factor * float(to - from);
  return uint8_t(std::clamp(value, 0.0F, 255.0F));
}

struct BlendArgs {
  const uint8_t* from;
  const uint8_t* to;
  uint8_t* out;
  int64_t count;
  float factor;
};

void blend_rows(const BlendArgs& args) {
  for (int64_t i = 0; i < args.count; ++i) {
    args.out[i] = blend_values(args.from[i], args.to[i], args.factor);
  }
}

/// Floating-point types and their conversions are those of Pillow's two conversions, in between which hue is turned.
void turn_hue(uint8_t* rgb, int shift) {
  const int red = rgb[0];
  const int green = rgb[1];
  const int blue = rgb[2];
  const int high = std::max({red, green, blue});
  const int low = std::min({red, green, blue});
  if (high == low) {
    return;  // no saturation: any hue gives this grey
  }
  const auto range = float(high - low);
  const float s = range / float(high);
  const float to_red = float(high - red) / range;
  const float to_green = float(high - green) / range;
  const float to_blue = float(high - blue) / range;
  float h;
  if (red == high) {
    h = to_blue - to_green;
  } else if (green == high) {
    h = float(2.0 + double(to_red) - double(to_blue));
  } else {
    h = float(4.0 + double(to_green) - double(to_red));
  }
  const double turned = double(h) / 6.0 + 1.0;
  h = float(turned >= 1 ? turned - 1 : turned);
  const int hue = (std::clamp(int(double(h) * 255.0), 0, 255) + shift) & 255;
  const int saturation = std::clamp(int(double(s) * 255.0), 0, 255);
  if (saturation == 0) {
    rgb[0] = rgb[1] = rgb[2] = uint8_t(high);
    return;
  }
  const double sector = double(float(hue)) * 6.0 / 255.0;
  const int i = int(std::floor(sector));
  const auto f = float(sector - double(float(i)));
  const auto fs = float(double(float(saturation)) / 255.0);
  const auto v = double(float(high));
  const auto value = [](double exact) { return uint8_t(std::clamp(int(float(std::round(exact))), 0, 255)); };
  const uint8_t p = value(v * (1.0 - double(fs)));
  const uint8_t q = value(v * (1.0 - double(fs * f)));
  const uint8_t t = value(v * (1.0 - double(fs) * (1.0 - double(f))));
  const auto top = uint8_t(high);
  const std::array<std::array<uint8_t, 3>, 6> sectors = {
      {{top, t, p}, {q, top, p}, {p, top, t}, {p, q, top}, {t, p, top}, {top, p, q}}};
  std::copy_n(sectors[size_t(i % 6)].begin(), 3, rgb);
}

}  // namespace

Image to_grayscale(const Image& image) {
  if (image.channels == 1) {
    return image;
  }
  Image result(image.height, image.width, 3);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    std::fill_n(result.pixels.begin() + std::ptrdiff_t(i), 3, luminance(&image.pixels[i]));
  }
  return result;
}

Image adjust_brightness(const Image& image, double factor) {
  return map_values(image, table_of([&](int v) { return blend_values(0, v, float(factor)); }));
}

Image adjust_contrast(const Image& image, double factor) {
  int64_t total = 0;
  for (size_t i = 0; i < image.pixels.size(); i += size_t(image.channels)) {
    total += image.channels == 1 ? image.pixels[i] : luminance(&image.pixels[i]);
  }
  const int mean = int(double(total) / double(image.height * image.width) + 0.5);
  return map_values(image, table_of([&](int v) { return blend_values(mean, v, float(factor)); }));
}

Image adjust_saturation(const Image& image, double factor) { return blend(to_grayscale(image), image, factor); }

Image adjust_hue(const Image& image, double turns) {
  Image result = image;
  if (image.channels == 3) {
    const int shift = int(turns * 255) & 255;
    for (size_t i = 0; i < result.pixels.size(); i += 3) {
      turn_hue(&result.pixels[i], shift);
    }
  }
  return result;
}

Image solarize(const Image& image, double threshold) {
  return map_values(image, table_of([&](int v) { return uint8_t(double(v) < threshold ? v : 255 - v); }));
}

Image posterize(const Image& image, int bits) {
  return map_values(image, table_of([&](int v) { return uint8_t(v & ~((1 << (8 - bits)) - 1)); }));
}

Image autocontrast(const Image& image) {
  return map_by_histogram(image, [](const Histogram& histogram) {
    const auto is_used = [](int64_t count) { return count != 0; };
    const auto low = int(std::find_if(histogram.begin(), histogram.end(), is_used) - histogram.begin());
    const auto high = 255 - int(std::find_if(histogram.rbegin(), histogram.rend(), is_used) - histogram.rbegin());
    if (high <= low) {
      return table_of(identity);
    }
    const double scale = 255.0 / (high - low);
    const double offset = -low * scale;
    return table_of([&](int v) { return uint8_t(std::clamp(int(v * scale + offset), 0, 255)); });
  });
}

Image equalize(const Image& image) {
  return map_by_histogram(image, [](const Histogram& histogram) {
    int64_t total = 0;
    int64_t last = 0;
    for (const int64_t count : histogram) {
      total += count;
      last = count != 0 ? count : last;
    }
    const int64_t step = (total - last) / 255;
    if (step == 0) {  // also when there is but one value
      return table_of(identity);
    }
    int64_t below = step / 2;
    return table_of([&](int v) {
      const int64_t rank = below / step;
      below += histogram[size_t(v)];
      return uint8_t(std::min<int64_t>(rank, 255));
    });
  });
}

Image blend(const Image& image1, const Image& image2, double factor) {
  Image result(image1.height, image1.width, image1.channels);
  blend_rows({.from = image1.pixels.data(),
              .to = image2.pixels.data(),
              .out = result.pixels.data(),
              .count = int64_t(result.pixels.size()),
              .factor = float(factor)});
  return result;
}

}  // namespace lv::data
