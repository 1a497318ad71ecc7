// The functions that -fsanitize=thread makes kernels call at each load and store. The program is not linked against the
// sanitizer: these are all there are.
#include <cstddef>
#include <cstdint>

#include "kernels/simt/checker/access.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the compiler's names

using lv::simt::AccessKind;
using lv::simt::check_access;

#define LV_CALLER __builtin_return_address(0)

#define LV_PLAIN(bytes)                                                                               \
  void __tsan_read##bytes(void* p) { check_access(p, bytes, AccessKind::read, LV_CALLER); }           \
  void __tsan_write##bytes(void* p) { check_access(p, bytes, AccessKind::write, LV_CALLER); }         \
  void __tsan_unaligned_read##bytes(void* p) { check_access(p, bytes, AccessKind::read, LV_CALLER); } \
  void __tsan_unaligned_write##bytes(void* p) { check_access(p, bytes, AccessKind::write, LV_CALLER); }

// Atomic operations become calls as well, with the memory order as a number; the strongest one serves for all.
#define LV_UPDATE(bits, name, builtin)                                                                 \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t* p, uint##bits##_t value, int) { \
    check_atomic(p, sizeof(value), LV_CALLER);                                                         \
    return builtin(p, value, __ATOMIC_SEQ_CST);                                                        \
  }
#define LV_ATOMIC(bits)                                                                                          \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t* p, int) {                             \
    check_atomic(p, sizeof(*p), LV_CALLER);                                                                      \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                                 \
  }                                                                                                              \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t* p, uint##bits##_t value, int) {                      \
    check_atomic(p, sizeof(value), LV_CALLER);                                                                   \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                                                \
  }                                                                                                              \
  LV_UPDATE(bits, exchange, __atomic_exchange_n)                                                                 \
  LV_UPDATE(bits, fetch_add, __atomic_fetch_add)                                                                 \
  LV_UPDATE(bits, fetch_sub, __atomic_fetch_sub)                                                                 \
  LV_UPDATE(bits, fetch_or, __atomic_fetch_or)                                                                   \
  LV_UPDATE(bits, fetch_and, __atomic_fetch_and)                                                                 \
  LV_UPDATE(bits, fetch_xor, __atomic_fetch_xor)                                                                 \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile uint##bits##_t* p, uint##bits##_t* expected,       \
                                                     uint##bits##_t value, int, int) {                           \
    check_atomic(p, sizeof(value), LV_CALLER);                                                                   \
    return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);           \
  }                                                                                                              \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile uint##bits##_t* p, uint##bits##_t* expected,         \
                                                   uint##bits##_t value, int, int) {                             \
    check_atomic(p, sizeof(value), LV_CALLER);                                                                   \
    return __atomic_compare_exchange_n(p, expected, value, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);            \
  }                                                                                                              \
  uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t* p, uint##bits##_t expected, \
                                                            uint##bits##_t value, int, int) {                    \
    check_atomic(p, sizeof(value), LV_CALLER);                                                                   \
    __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
    return expected;                                                                                             \
  }

namespace {

void check_atomic(const volatile void* p, int64_t bytes, const void* pc) {
  check_access(const_cast<const void*>(p), bytes, AccessKind::atomic, pc);
}

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

void __tsan_read1(void* p) { check_access(p, 1, AccessKind::read, LV_CALLER); }
void __tsan_write1(void* p) { check_access(p, 1, AccessKind::write, LV_CALLER); }
LV_PLAIN(2)
LV_PLAIN(4)
LV_PLAIN(8)
LV_PLAIN(16)
void __tsan_read_range(void* p, size_t bytes) { check_access(p, int64_t(bytes), AccessKind::read, LV_CALLER); }
void __tsan_write_range(void* p, size_t bytes) { check_access(p, int64_t(bytes), AccessKind::write, LV_CALLER); }

LV_ATOMIC(8)
LV_ATOMIC(16)
LV_ATOMIC(32)
LV_ATOMIC(64)

}  // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
