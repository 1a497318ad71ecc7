#include "models/conv_norm.h"

#include "nn/init.h"

namespace lv::models {

ConvNorm::ConvNorm(int64_t in, int64_t out, const Options& options)
    : conv(in, out, {options.kernel, options.kernel},
           {.conv = {.stride = {options.stride, options.stride},
                     .padding = {options.kernel / 2, options.kernel / 2},
                     .groups = options.groups},
            .has_bias = false}),
      norm(out) {
  nn::init::kaiming_normal(conv.weight, nn::init::Fan::out);
}

}  // namespace lv::models
