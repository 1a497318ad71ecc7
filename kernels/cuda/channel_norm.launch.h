#pragma once

#include "kernels/cuda/channel_norm.cuh"
#include "kernels/cuda/launch.h"

// Launch shapes of kernels that walk rows of channels; Note [Tiles of channels].

namespace lv::kernels::cuda {

inline ChannelTiles tiles_of(const ConstTensorRef& x, int64_t groups, int64_t tile_rows) {
  const int64_t rows = x.size(0) / std::max<int64_t>(groups, 1);
  return {rows, x.size(1), tile_rows, (rows + tile_rows - 1) / tile_rows};
}

/// The tiles in which sums are made; Note [Chunks of rows].
inline ChannelTiles chunks_of(const ConstTensorRef& x, int64_t groups) {
  return tiles_of(x, groups, channel_chunk_rows(x.size(1)));
}

inline dim3 channel_grid(int64_t row_blocks, int64_t channels) {
  const int64_t channel_blocks = (channels + kTileChannels - 1) / kTileChannels;
  LV_CHECK(row_blocks <= INT32_MAX && channel_blocks <= UINT16_MAX,
           "cuda: a norm of {} tiles of {} channels is too large for one launch", row_blocks, channels);
  return dim3(unsigned(row_blocks), unsigned(channel_blocks));
}

inline dim3 channel_block() { return dim3(kTileChannels, kTileThreadRows); }

/// The rows of a matrix on the device; absent where `ref` is.
template <class T, class Ref>
DeviceRows<T> rows_of(const Ref& ref) {
  return {ref.template as<std::remove_const_t<T>>(), ref.defined() ? ref.strides[0] : 0};
}

}  // namespace lv::kernels::cuda
