#include <bit>

#include "kernels/simt/emulated.h"

namespace lv::simt {
namespace {

const char* run_sync(void* const (&)[kWarpSize], uint32_t) { return nullptr; }

const char* run_shuffle(void* const (&operands)[kWarpSize], uint32_t mask) {
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    auto& operand = *static_cast<ShuffleOperand*>(operands[std::countr_zero(rest)]);
    if ((mask >> unsigned(operand.source) & 1U) == 0) {
      return "a shuffle reads a lane outside its mask";
    }
    operand.result = static_cast<const ShuffleOperand*>(operands[operand.source])->value;
  }
  return nullptr;
}

const char* run_vote(void* const (&operands)[kWarpSize], uint32_t mask) {
  uint32_t votes = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    votes |= uint32_t(static_cast<const VoteOperand*>(operands[lane])->predicate) << lane;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    static_cast<VoteOperand*>(operands[std::countr_zero(rest)])->result = votes;
  }
  return nullptr;
}

/// One half of a word, as the float that its bits as bfloat16 stand for.
float half_of(uint32_t word, int half) { return std::bit_cast<float>(half == 0 ? word << 16 : word & 0xffff0000U); }

// Register layout: mma.cuh. Sums run over k in ascending order; a device rounds differently.
const char* run_mma(void* const (&operands)[kWarpSize], uint32_t) {
  const auto lane = [&](int row, int column) -> MmaOperand& {
    return *static_cast<MmaOperand*>(operands[row * 4 + column]);
  };
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 8; ++n) {
      float& sum = lane(m % 8, n / 2).c[m / 8 * 2 + n % 2];
      for (int k = 0; k < 16; ++k) {
        const int column = k % 8 / 2;
        const float a = half_of(lane(m % 8, column).a[k / 8 * 2 + m / 8], k % 2);
        const float b = half_of(lane(n, column).b[k / 8], k % 2);
        sum += a * b;
      }
    }
  }
  return nullptr;
}

}  // namespace

const WarpOp kSyncWarp{"__syncwarp", run_sync};
const WarpOp kShuffle{"a shuffle", run_shuffle};
const WarpOp kVote{"a vote", run_vote};
const WarpOp kMmaM16N8K16{"mma_m16n8k16", run_mma};

}  // namespace lv::simt
