// Prints a network's layers with their sizes, work and memory.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/train/options.h"
#include "apps/train/program.h"
#include "autograd/grad_mode.h"
#include "core/allocator.h"
#include "models/registry.h"
#include "models/summary.h"
#include "ops/losses.h"

using namespace lv;
using namespace lv::train;

namespace {

struct Request {
  std::string model = "resnet50";
  std::string stem = "imagenet";
  int64_t width = 64;
  int64_t classes = 1000;
  int64_t resolution = 224;
  int64_t batch_size = 32;
};

std::vector<std::string> model_names() {
  const std::vector<std::string_view> names = models::names();
  return {names.begin(), names.end()};
}

/// 1234567 as "1,234,567".
std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  for (int64_t at = int64_t(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(size_t(at), 1, ',');
  }
  return digits;
}

std::string megabytes(double bytes) { return grouped(std::llround(bytes / 1e6)) + " MB"; }

void print_layers(const std::vector<models::LayerSummary>& layers) {
  size_t name_width = 0;
  for (const models::LayerSummary& layer : layers) {
    name_width = std::max(name_width, layer.name.size());
  }
  fmt::print("{:<{}}  {:<11}  {:<20}  {:>12}  {:>16}\n", "layer", name_width, "type", "output", "parameters",
             "multiply-adds");
  models::LayerSummary total;
  for (const models::LayerSummary& layer : layers) {
    fmt::print("{:<{}}  {:<11}  {:<20}  {:>12}  {:>16}\n", layer.name, name_width, layer.type, layer.output,
               grouped(layer.parameters), grouped(layer.multiply_adds));
    total.parameters += layer.parameters;
    total.multiply_adds += layer.multiply_adds;
  }
  fmt::print("{:<{}}  {:<11}  {:<20}  {:>12}  {:>16}\n", "total", name_width, "", "", grouped(total.parameters),
             grouped(total.multiply_adds));
}

int64_t bytes_of(const std::vector<NamedTensor>& tensors) {
  int64_t bytes = 0;
  for (const NamedTensor& entry : tensors) {
    bytes += entry.tensor.size_bytes();
  }
  return bytes;
}

/// Highest memory of a pass over `batch` images, above what is there before it.
int64_t peak_of_pass(models::Classifier& model, const Request& request, int64_t batch, bool is_training) {
  Allocator& memory = allocator(Device::cpu());
  const Tensor images = Tensor::zeros({batch, request.resolution, request.resolution, 3});
  const Tensor labels = Tensor::zeros({batch}, DType::i64);
  model.train(is_training);
  memory.reset_peak();
  const int64_t before = memory.stats().allocated_bytes;
  if (is_training) {
    ops::cross_entropy(model.forward(images), labels).backward();
  } else {
    const autograd::NoGradGuard no_grad;
    const Tensor logits = model.forward(images);
  }
  return memory.stats().peak_allocated_bytes - before;
}

/// Memory of a pass over `batch` images, which grows with their number: measured at two and at three of them.
double estimate(models::Classifier& model, const Request& request, bool is_training) {
  const auto peak = [&](int64_t batch) { return double(peak_of_pass(model, request, batch, is_training)); };
  peak(2);  // gradients and workspaces that stay
  const double two = peak(2);
  return two + (peak(3) - two) * double(request.batch_size - 2);
}

void print_memory(models::Classifier& model, const Request& request) {
  const auto parameters = double(bytes_of(model.named_parameters()));
  const double inference = estimate(model, request, false);
  const double training = estimate(model, request, true);
  fmt::print("\nmemory at batches of {}, float32\n", request.batch_size);
  fmt::print("  parameters            {:>12}\n", megabytes(parameters));
  fmt::print("  inference, besides    {:>12}\n", megabytes(inference));
  fmt::print("  gradients, momentum   {:>12}\n", megabytes(2 * parameters));
  fmt::print("  a training step       {:>12}   activations and workspaces\n", megabytes(training));
  fmt::print("  training in all       {:>12}\n", megabytes(3 * parameters + training));
}

int inspect(const Request& request) {
  const auto model =
      models::make(request.model, {.classes = request.classes,
                                   .stem = request.stem == "cifar" ? models::Stem::cifar : models::Stem::imagenet,
                                   .width = request.width});
  model->eval();
  const Tensor image = Tensor::zeros({1, request.resolution, request.resolution, 3});
  print_layers(models::summarize(*model, [&] { return model->forward(image); }));
  print_memory(*model, request);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("inspect_model", [&] {
    Request request;
    Options options("inspect_model", "Prints a network's layers, parameters, multiply-adds and memory.",
                    "inspect_model --model resnext50_32x4d --resolution 288");
    options.add("model", "model", &request.model, "the network", {.choices = model_names()});
    options.add("model", "stem", &request.stem, "how images come in", {.choices = {"imagenet", "cifar"}});
    options.add("model", "width", &request.width, "channels of the first stage", {.min = 1, .max = 4096});
    options.add("model", "classes", &request.classes, "outputs of the last layer", {.min = 1, .max = 1e7});
    options.add("data", "resolution", &request.resolution, "height and width of the images", {.min = 1, .max = 8192});
    options.add("data", "batch-size", &request.batch_size, "for the estimate of memory", {.min = 1, .max = 1e6});
    std::string output;
    if (!options.parse(argc, argv, output)) {
      std::fputs(output.c_str(), stdout);
      return 0;
    }
    return inspect(request);
  });
}
