// Compiled by nvcc where it is found: the same text as in the emulator, with every launch instantiated.
#include "tests/simt/example_kernels.cuh"

namespace lv::test {

void launch_all(Stream stream, float* f, unsigned* u, int* i, const uint16_t* h, Moments* m, double* d) {
  simt::launch(add<float>, 8, 128, 0, stream, f, f, f, 1000);
  simt::launch(add<double>, 8, 128, 0, stream, d, d, d, 1000);
  simt::launch(tree_sum<128>, 8, 128, 0, stream, f, f, 1000);
  simt::launch(layer_norm, 4, 96, 0, stream, f, f, 300, 1e-5F);
  simt::launch(reverse, 1, 128, 512, stream, f, f);
  simt::launch(warp_operations, 2, 64, 0, stream, u, i, f, f);
  simt::launch(half_warps, 1, 64, 0, stream, f, f);
  simt::launch(count_atomically, 4, 64, 0, stream, i, i, 200);
  simt::launch(sum_by_last_block, 4, 64, 0, stream, f, f, u, f, 200);
  simt::launch(moments, 1, 128, 0, stream, m, f);
  simt::launch(find_largest, 1, dim3(32, 4), 0, stream, i, f, f);
  simt::launch(stream_tiles, 1, 64, 0, stream, f, f, 3, 700);
  simt::launch(multiply_tile, 1, 32, 0, stream, f, h, h);
  simt::launch(attention<56, 16>, 4, 128, 0, stream, f, f, f, f, f);
}

}  // namespace lv::test
