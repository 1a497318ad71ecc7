#include "core/cuda/driver.h"

namespace lv::cuda {
namespace {

[[noreturn]] void no_cuda(const char* call) {
  fail<DeviceError>("{}: this build has no CUDA; configure with LV_CUDA=NATIVE or EMULATED", call);
}

}  // namespace

int device_count() { return 0; }
void set_device(int) { no_cuda("set_device"); }
void* malloc(int64_t) { no_cuda("malloc"); }
void free(void*) noexcept { no_cuda("free"); }
void* malloc_host(int64_t) { no_cuda("malloc_host"); }
void free_host(void*) noexcept { no_cuda("free_host"); }
void memcpy_async(void*, const void*, int64_t, Stream) { no_cuda("memcpy_async"); }
void memset_async(void*, int, int64_t, Stream) { no_cuda("memset_async"); }
Stream create_stream(int) { no_cuda("create_stream"); }
void destroy_stream(Stream) noexcept { no_cuda("destroy_stream"); }
void synchronize(Stream) { no_cuda("synchronize"); }

Event::~Event() = default;
void Event::record(Stream) { no_cuda("Event::record"); }
bool Event::query() const { no_cuda("Event::query"); }
void Event::synchronize() const { no_cuda("Event::synchronize"); }
void Event::wait(Stream) const { no_cuda("Event::wait"); }

}  // namespace lv::cuda
