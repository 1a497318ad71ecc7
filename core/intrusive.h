#pragma once

#include <atomic>
#include <utility>

namespace lv {

/// Base of objects that are shared by counting references inside the object itself: one allocation, a handle of one
/// pointer.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  /// True when this was the last reference.
  [[nodiscard]] bool drop() const { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  [[nodiscard]] bool is_unique() const { return references_.load(std::memory_order_acquire) == 1; }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::atomic<int> references_{0};
};

/// Owning handle of a RefCounted object. T may say how its last reference is released: `static void release(T*)`.
template <class T>
class Intrusive {
 public:
  Intrusive() = default;
  explicit Intrusive(T* object) : object_(object) {
    if (object_ != nullptr) {
      object_->retain();
    }
  }
  Intrusive(const Intrusive& other) : Intrusive(other.object_) {}
  Intrusive(Intrusive&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Intrusive& operator=(Intrusive other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Intrusive() { reset(); }

  void reset() {
    if (T* object = std::exchange(object_, nullptr); object != nullptr && object->drop()) {
      T::release(object);
    }
  }
  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Intrusive& other) const { return object_ == other.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace lv
