#pragma once

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "core/dtype.h"

// What the users of oneDNN share. Private to kernels/onednn.
//
// Note [oneDNN on our threads]. The library brings OpenMP threads of its own. Here it runs with one, inside tasks of
// parallel_for: the chunks of a problem depend on its sizes only, so do the bits of the result, two pools never fight,
// and a core that is busy elsewhere holds up one chunk instead of a barrier.

namespace lv::kernels::onednn {

/// Keeps oneDNN on the calling thread while it lives.
class [[nodiscard]] OneThread {
 public:
  OneThread() : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(previous_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int previous_;
};

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// Whether the library computes in `dtype` with the processor's own instructions.
inline bool has_fast_kernels(DType dtype) {
  static const bool has_bf16 = [] {
    const auto isa = unsigned(dnnl::get_effective_cpu_isa());
    const auto wanted = unsigned(dnnl::cpu_isa::avx512_core_bf16);
    return (isa & wanted) == wanted;
  }();
  return dtype == DType::f32 || (dtype == DType::bf16 && has_bf16);
}

inline dnnl::memory::data_type data_type(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

/// Attributes of every primitive: a scratchpad that the caller provides, as the library's own belongs to the thread
/// that made the primitive.
inline dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// False for the loops that the library has for everything else; they take seconds where others take milliseconds.
inline bool is_optimised(std::string_view implementation) {
  return implementation.find("ref") == std::string_view::npos;
}

/// Memory of the calling thread that outlives the call, one block a Tag.
template <class Tag>
void* thread_memory(size_t bytes) {
  struct Block {
    std::unique_ptr<std::byte[]> data;
    size_t size = 0;
  };
  thread_local Block block;
  if (block.size < bytes) {
    block.data.reset();
    block.data.reset(new std::byte[bytes + 64]);
    block.size = bytes;
  }
  const auto address = reinterpret_cast<uintptr_t>(block.data.get());
  return block.data.get() + (64 - address % 64) % 64;
}

struct ScratchpadTag;

inline dnnl::memory scratchpad(const dnnl::memory::desc& desc) {
  return {desc, engine(), desc.get_size() == 0 ? nullptr : thread_memory<ScratchpadTag>(desc.get_size())};
}

/// An argument of a primitive; inputs lose their const here, which the library's interface does not know.
inline dnnl::memory memory_at(const dnnl::memory::desc& desc, const void* data) {
  return {desc, engine(), const_cast<void*>(data)};
}

/// Prepared primitives by problem, the least recently used dropped beyond 1,024: detection and test-time augmentation
/// bring new sizes with every image.
template <class Key, class Value>
class PrimitiveCache {
 public:
  /// The entry of `key`, made by make() when there is none.
  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, Make&& make) {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      order_.splice(order_.begin(), order_, found->second.position);
      return found->second.value;
    }
    std::shared_ptr<const Value> value = make();
    if (entries_.size() == kCapacity) {
      entries_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(key);
    entries_.emplace(key, Entry{value, order_.begin()});
    return value;
  }

 private:
  static constexpr size_t kCapacity = 1024;

  struct Entry {
    std::shared_ptr<const Value> value;
    typename std::list<Key>::iterator position;
  };

  std::mutex mutex_;
  std::map<Key, Entry> entries_;
  std::list<Key> order_;
};

}  // namespace lv::kernels::onednn
