#pragma once
// The one header of the project's kernels (.cuh files). Under nvcc it is the CUDA runtime; under any other compiler the
// same text compiles against an emulator, in which each thread of a block is a fiber and every use of barriers, warp
// operations and shared memory is checked.
//
// Note [The dialect]. What kernels may use, beyond scalar C++:
// - Launches: lv::simt::launch(kernel, grid, block, shared_bytes, stream, args...), never <<<>>>.
// - Shared memory: LV_SHARED(float, tile, [32][kDim]); LV_DYN_SHARED(float, rows); the second once a kernel. Both are
//   aligned to 16 bytes.
// - Functions: LV_DEVICE, which is forced inline on the device; LV_HOSTDEV where the host calls them too.
// - threadIdx, blockIdx, blockDim, gridDim, warpSize.
// - Barriers: __syncthreads, __syncwarp, in control flow that is the same for all who take part; no return before one.
// - Warp operations: __shfl_{,up_,down_,xor_}sync, __ballot_sync, __any_sync, __all_sync with explicit masks. Where the
//   mask is full, blocks are whole warps.
// - Atomics: atomicAdd, Max, Min, Exch, CAS on integers; __threadfence. No waiting for other blocks.
// - float2, float4, int2, int4, uint2, uint4 and their make_ functions; #pragma unroll.
// - Instructions: async_copy.cuh and mma.cuh in this folder; reductions: reduce.cuh.
// - 16-bit types: core/half.h, storage only.

#include "core/hostdev.h"

#if defined(__CUDACC__)
#include "kernels/simt/native.h"
#else
#include "kernels/simt/emulated.h"
#endif
