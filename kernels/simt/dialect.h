#pragma once
// The one header of the project's kernels (.cuh files). Under nvcc it is the CUDA runtime; under any other compiler the
// same text compiles against an emulator, in which each thread of a block is a fiber and every use of barriers, warp
// operations and shared memory is checked.
//
// Note [The dialect]. What kernels may use, beyond scalar C++:
//   launch           lv::simt::launch(kernel, grid, block, shared_bytes, stream, args...), never <<<>>>
//   shared memory    LV_SHARED(float, tile, [32][kDim]); LV_DYN_SHARED(float, rows); (one a kernel), both aligned to 16
//   bytes functions        LV_DEVICE, forced inline on the device; LV_HOSTDEV where the host calls them too threads
//   threadIdx, blockIdx, blockDim, gridDim, warpSize barriers         __syncthreads, __syncwarp, in control flow that
//   is the same for all who take part; no return before one warp operations  __shfl_{,up_,down_,xor_}sync,
//   __ballot_sync, __any_sync, __all_sync with explicit masks; blocks are whole
//                    warps where the mask is full
//   atomics          atomicAdd, Max, Min, Exch, CAS on integers; __threadfence; no waiting for other blocks
//   vectors          float2, float4, int2, int4, uint2, uint4 and their make_ functions
//   instructions     kernels/simt/async_copy.cuh, kernels/simt/mma.cuh; reductions in kernels/simt/reduce.cuh
//   16-bit types     core/half.h, storage only

#include "core/hostdev.h"

#if defined(__CUDACC__)
#include "kernels/simt/native.h"
#else
#include "kernels/simt/emulated.h"
#endif
