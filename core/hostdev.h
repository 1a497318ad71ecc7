#pragma once
// LV_HOSTDEV marks scalar code that runs on the host, in CUDA kernels and in the emulator. This header includes
// nothing, so that cells depend neither on CUDA nor on the emulator.

#if defined(__CUDACC__)
#define LV_HOSTDEV __host__ __device__ __forceinline__
#elif defined(LV_ACCESS_CHECK)
// Copies of a function outside of kernels are not instrumented, and the linker could choose one of them for a kernel.
#define LV_HOSTDEV inline __attribute__((always_inline))
#else
#define LV_HOSTDEV inline
#endif
