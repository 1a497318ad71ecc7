#pragma once

#include <cassert>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

namespace lv {

/// A vector whose first N elements live inside the object: lists of an op's tensors rarely need the heap.
template <class T, int N>
class InlineVector {
 public:
  InlineVector() = default;
  InlineVector(std::initializer_list<T> values) {
    reserve(int(values.size()));
    for (const T& value : values) {
      push_back(value);
    }
  }
  explicit InlineVector(int count) { resize(count); }
  InlineVector(const InlineVector& other) {
    reserve(other.size_);
    for (const T& value : other) {
      push_back(value);
    }
  }
  InlineVector(InlineVector&& other) noexcept { take(std::move(other)); }
  InlineVector& operator=(InlineVector other) noexcept {
    clear();
    release_heap();
    take(std::move(other));
    return *this;
  }
  ~InlineVector() {
    clear();
    release_heap();
  }

  void push_back(T value) {
    if (size_ == capacity_) {
      reserve(2 * capacity_);
    }
    std::construct_at(data_ + size_, std::move(value));
    ++size_;
  }
  void reserve(int capacity) {
    if (capacity <= capacity_) {
      return;
    }
    T* grown = std::allocator<T>().allocate(size_t(capacity));
    std::uninitialized_move(begin(), end(), grown);
    std::destroy(begin(), end());
    release_heap();
    data_ = grown;
    capacity_ = capacity;
  }
  void resize(int count) {
    reserve(count);
    while (size_ < count) {
      std::construct_at(data_ + size_++);
    }
    while (size_ > count) {
      std::destroy_at(data_ + --size_);
    }
  }
  void clear() {
    std::destroy(begin(), end());
    size_ = 0;
  }

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](int i) {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  const T& operator[](int i) const {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  operator std::span<const T>() const { return {data_, size_t(size_)}; }  // NOLINT(google-explicit-constructor)
  operator std::span<T>() { return {data_, size_t(size_)}; }              // NOLINT(google-explicit-constructor)

 private:
  T* inline_data() { return reinterpret_cast<T*>(inline_); }
  void release_heap() {
    if (data_ != inline_data()) {
      std::allocator<T>().deallocate(data_, size_t(capacity_));
    }
    data_ = inline_data();
    capacity_ = N;
  }
  void take(InlineVector&& other) {
    if (other.data_ != other.inline_data()) {
      data_ = std::exchange(other.data_, other.inline_data());
      capacity_ = std::exchange(other.capacity_, N);
      size_ = std::exchange(other.size_, 0);
      return;
    }
    std::uninitialized_move(other.begin(), other.end(), data_);
    size_ = other.size_;
    other.clear();
  }

  alignas(T) unsigned char inline_[sizeof(T) * N];
  T* data_ = inline_data();
  int size_ = 0;
  int capacity_ = N;
};

}  // namespace lv
