// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Shared ownership within one thread: a plain counter inside the object.

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace aio::detail {

/// Base of objects held by intrusive_ptr. Starts with no owner.
class ref_counted {
 public:
  ref_counted() noexcept = default;
  ref_counted(const ref_counted&) = delete;
  ref_counted& operator=(const ref_counted&) = delete;

  void add_ref() noexcept { ++refs_; }

  [[gnu::always_inline]] void release() noexcept {
    if (--refs_ == 0) destroy();
  }

  std::uint32_t use_count() const noexcept { return refs_; }

 protected:
  virtual ~ref_counted() = default;

 private:
  virtual void destroy() noexcept { delete this; }

  std::uint32_t refs_ = 0;
};

template <class T>
class intrusive_ptr {
 public:
  intrusive_ptr() noexcept = default;
  intrusive_ptr(std::nullptr_t) noexcept {}
  explicit intrusive_ptr(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->add_ref();
  }
  intrusive_ptr(const intrusive_ptr& other) noexcept : intrusive_ptr(other.object_) {}
  intrusive_ptr(intrusive_ptr&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  requires std::convertible_to<U*, T*> intrusive_ptr(const intrusive_ptr<U>& other)
  noexcept : intrusive_ptr(other.get()) {}
  template <class U>
  requires std::convertible_to<U*, T*> intrusive_ptr(intrusive_ptr<U>&& other)
  noexcept : object_(std::exchange(other.object_, nullptr)) {}
  [[gnu::always_inline]] ~intrusive_ptr() {
    if (object_ != nullptr) object_->release();
  }

  intrusive_ptr& operator=(intrusive_ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  friend bool operator==(const intrusive_ptr&, const intrusive_ptr&) = default;

 private:
  template <class>
  friend class intrusive_ptr;

  T* object_ = nullptr;
};

}  // namespace aio::detail
