#include "kernels/cpu/axial_pairs.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

// Along the height axis the lines of neighbouring blocks are neighbours in memory, and positions far apart: a few
// blocks together read whole pages.
constexpr int64_t kGroup = 8;

template <class S, class T>
void pack(const AxialPackArgs& args) {
  const AxialShape& shape = args.shape;
  const PairBlocks<S> blocks(shape);
  const PackedHomes<S> homes(shape);
  parallel_for(blocks.count(), kGroup, [&](int64_t begin, int64_t end) {
    LanePlaces<const T, S> places[kGroup];
    for (int64_t block = begin; block < end; ++block) {
      places[block - begin] = LanePlaces<const T, S>(shape, args.qkv, block);
    }
    for (int64_t position = 0; position < shape.length; ++position) {
      for (int64_t block = begin; block < end; ++block) {
        gather_position<S, T>(places[block - begin], position, homes.at,
                              PackedBlock<S>(args.packed.as<S>(), shape, block).q);
      }
    }
  });
}

}  // namespace

void axial_pack(const AxialPackArgs& args) {
  visit_floating(args.qkv.dtype, "axial_attention", [&]<class T>() { pack<simd::Lane<T>, T>(args); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(axial_pack, AxialPackArgs)
