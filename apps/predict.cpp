// Says what is to be seen in pictures.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "apps/data/decode.h"
#include "apps/train/canvas.h"
#include "apps/train/checkpoint_store.h"
#include "apps/train/model_card.h"
#include "apps/train/options.h"
#include "apps/train/program.h"
#include "autograd/grad_mode.h"
#include "core/parallel.h"
#include "nn/state_dict.h"
#include "ops/softmax.h"
#include "ops/sort.h"

using namespace lv;
using namespace lv::train;

namespace {

struct Request {
  std::vector<std::string> files;
  std::string model = "runs/run/checkpoints/best";
  std::string output = "predictions.png";
  int64_t top = 5;
  int64_t threads = 0;
};

struct Guess {
  std::string name;
  double probability;
};

std::vector<Guess> guess(models::Classifier& network, const ModelCard& card, const data::Pipeline& pipeline,
                         const std::string& path, int64_t top) {
  const Tensor picture = data::run(pipeline, std::filesystem::path(path), PhiloxKey{});
  const Tensor probabilities = ops::softmax(network.forward(picture.unsqueeze(0)), -1).select(0, 0);
  const ops::Sorted sorted = ops::topk(probabilities, std::min(top, int64_t(card.classes.size())));
  const std::vector<float> values = sorted.values.to_vector<float>();
  const std::vector<int64_t> indices = sorted.indices.to_vector<int64_t>();
  std::vector<Guess> guesses;
  for (size_t i = 0; i < values.size(); ++i) {
    guesses.push_back({card.classes[size_t(indices[i])], values[i]});
  }
  return guesses;
}

/// The picture, scaled to a common width, with the guesses below it.
Canvas captioned(const std::string& path, const std::vector<Guess>& guesses) {
  constexpr int kWidth = 300;
  constexpr int kLine = 20;
  const data::Image image = data::read_image(path);
  Canvas picture(int(image.width), int(image.height));
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const uint8_t* const pixel = image.row(y) + 3 * x;
      picture.set(x, y, {pixel[0], pixel[1], pixel[2]});
    }
  }
  const int height = std::clamp(int(std::lround(double(kWidth) * picture.height() / picture.width())), 1, 4 * kWidth);
  Canvas page(kWidth, height + 8 + kLine * int(guesses.size() + 1));
  page.draw(0, 0, resized(picture, kWidth, height));
  const std::string name = std::filesystem::path(path).filename().string();
  page.text(0, height + 8, fit_text(name, kWidth), kGrey);
  for (size_t i = 0; i < guesses.size(); ++i) {
    const int y = height + 8 + kLine * int(i + 1);
    const std::string percent = fmt::format("{:.1f} %", 100 * guesses[i].probability);
    page.fill(0, y - 2, int(std::lround(guesses[i].probability * kWidth)), kLine - 2, kPaleGrey);
    page.text(2, y, fit_text(guesses[i].name, kWidth - 80), i == 0 ? kBlue : kInk);
    page.text(kWidth - text_width(percent), y, percent, kInk);
  }
  return page;
}

/// All pages side by side, in rows.
Canvas sheet(const std::vector<Canvas>& pages) {
  constexpr int kColumns = 4;
  constexpr int kGap = 20;
  const int columns = std::min(kColumns, int(pages.size()));
  std::vector<int> tops{kGap};
  for (size_t i = 0; i < pages.size(); i += kColumns) {
    int height = 0;
    for (size_t j = i; j < std::min(i + kColumns, pages.size()); ++j) {
      height = std::max(height, pages[j].height());
    }
    tops.push_back(tops.back() + height + kGap);
  }
  Canvas result(kGap + columns * (pages[0].width() + kGap), tops.back());
  for (size_t i = 0; i < pages.size(); ++i) {
    result.draw(kGap + int(i) % kColumns * (pages[0].width() + kGap), tops[i / kColumns], pages[i]);
  }
  return result;
}

int predict(const Request& request) {
  LV_CHECK_AS(UsageError, !request.files.empty(), "wants pictures; see --help");
  if (request.threads > 0) {
    set_num_threads(int(request.threads));
  }
  const SafetensorsFile file = load_model_file(request.model);
  const ModelCard card = read_card(file.metadata, file.source);
  const auto network = build(card);
  nn::load_state_dict(*network, file.tensors);
  network->eval();
  const autograd::NoGradGuard no_grad;
  const data::Pipeline pipeline = evaluation_pipeline(card);
  std::vector<Canvas> pages;
  for (const std::string& path : request.files) {
    const std::vector<Guess> guesses = guess(*network, card, pipeline, path, request.top);
    std::string line = path + ":";
    for (const Guess& one : guesses) {
      line += fmt::format("  {} {:.1f} %", one.name, 100 * one.probability);
    }
    std::puts(line.c_str());
    pages.push_back(captioned(path, guesses));
  }
  save_png(request.output, sheet(pages));
  std::puts(request.output.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("predict", [&] {
    Request request;
    Options options("predict", "Says what a trained classifier sees in pictures, and draws it.",
                    "predict --weights runs/cifar10/checkpoints/best photo.jpg");
    options.add("model", "weights", &request.model, "a checkpoint's folder, or a .safetensors file of a trained model");
    options.add("run", "output", &request.output, "the page of pictures with captions");
    options.add("run", "top", &request.top, "guesses a picture", {.min = 1});
    options.add("run", "threads", &request.threads, "0: all that the process may use", {.min = 0, .max = 4096});
    options.add_positional("files", request.files, "pictures: JPEG, PNG or BMP");
    std::string output;
    if (!options.parse(argc, argv, output)) {
      std::fputs(output.c_str(), stdout);
      return 0;
    }
    return predict(request);
  });
}
