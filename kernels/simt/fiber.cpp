#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <cstdint>

#include "core/error.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace lv::simt {
namespace {

constexpr size_t kGuardBytes = 4096;

/// The fiber that the running one was entered from: the only one that knows the bounds of an OS thread's stack is the
/// sanitizer, which tells them to whoever is entered next.
constinit thread_local Fiber* entered_from = nullptr;

#if defined(__x86_64__)

/// Pushes the registers that a call preserves, stores the stack pointer in *save, continues with the stack `load`. The
/// floating-point control words are the same in every thread of a kernel and stay as they are. Ends in a jump, since
/// the processor predicts that a return leads back to its call (measured: a tenth less time for a kernel full of
/// barriers).
__attribute__((naked, noinline)) void swap_stacks(void** /*save*/, void* /*load*/) {
  asm volatile(
      "pushq %rbp\n"
      "pushq %rbx\n"
      "pushq %r12\n"
      "pushq %r13\n"
      "pushq %r14\n"
      "pushq %r15\n"
      "movq %rsp, (%rdi)\n"
      "movq %rsi, %rsp\n"
      "popq %r15\n"
      "popq %r14\n"
      "popq %r13\n"
      "popq %r12\n"
      "popq %rbx\n"
      "popq %rbp\n"
      "popq %rcx\n"
      "jmp *%rcx\n");
}

void* initial_context(void (*entry)(), std::byte* top) {
  // Six zeroed registers, the address that the switch returns to, and a null return address of the entry function: with
  // it the stack is aligned as after a call.
  auto** slots = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 6; ++i) {
    slots[i] = nullptr;
  }
  slots[6] = reinterpret_cast<void*>(entry);
  slots[7] = nullptr;
  return slots;
}

#endif

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
const size_t Fiber::kStackBytes = size_t{256} << 10;
#else
const size_t Fiber::kStackBytes = size_t{128} << 10;
#endif

Fiber::Fiber(void (*entry)(), int index) : entry_(entry), size_(kStackBytes) {
  void* memory = mmap(nullptr, size_ + kGuardBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  LV_CHECK_AS(OutOfMemoryError, memory != MAP_FAILED, "simt: no memory for a stack of {} bytes", size_);
  mprotect(memory, kGuardBytes, PROT_NONE);
  low_ = static_cast<std::byte*>(memory) + kGuardBytes;
  offset_ = size_t(index % 16) * 256;
  restart();
}

Fiber::~Fiber() {
#if !defined(__x86_64__)
  delete static_cast<ucontext_t*>(context_);
#endif
  if (entry_ == nullptr) {
    return;  // the OS thread's own stack
  }
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(sanitizer_);
#endif
  munmap(low_ - kGuardBytes, size_ + kGuardBytes);
}

void Fiber::restart() {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(low_, size_);
  sanitizer_ = nullptr;
#elif defined(__SANITIZE_THREAD__)
  if (sanitizer_ != nullptr) {
    __tsan_destroy_fiber(sanitizer_);
  }
  sanitizer_ = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
  context_ = initial_context(entry_, low_ + size_ - offset_);
#else
  delete static_cast<ucontext_t*>(context_);
  auto* context = new ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = low_;
  context->uc_stack.ss_size = size_ - offset_;
  context->uc_link = nullptr;
  makecontext(context, entry_, 0);
  context_ = context;
#endif
}

void Fiber::announce_start() {
#if defined(__SANITIZE_ADDRESS__)
  const void* low = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &low, &size);
  if (entered_from->low_ == nullptr) {
    entered_from->low_ = static_cast<std::byte*>(const_cast<void*>(low));
    entered_from->size_ = size;
  }
#endif
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  entered_from = &from;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.sanitizer_, to.low_, to.size_);
#elif defined(__SANITIZE_THREAD__)
  if (from.sanitizer_ == nullptr) {
    from.sanitizer_ = __tsan_get_current_fiber();
  }
  __tsan_switch_to_fiber(to.sanitizer_, 0);
#endif
#if defined(__x86_64__)
  swap_stacks(&from.context_, to.context_);
#else
  if (from.context_ == nullptr) {
    from.context_ = new ucontext_t;
  }
  swapcontext(static_cast<ucontext_t*>(from.context_), static_cast<ucontext_t*>(to.context_));
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.sanitizer_, nullptr, nullptr);
#endif
}

}  // namespace lv::simt
