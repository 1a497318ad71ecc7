#include "core/op_hook.h"

namespace lv {

void set_op_hook(OpHook begin, OpHook end) {
  detail::op_begin_hook.store(begin, std::memory_order_release);
  detail::op_end_hook.store(end, std::memory_order_release);
}

}  // namespace lv
