// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A list of nodes it does not own; a node can leave by itself.

#pragma once

#include <cstddef>

namespace aio::detail {

/// The link of a node. `Tag` lets one object stand in several lists.
///
/// It leaves when it is destroyed. unlink() is O(1) and needs no list.
template <class Tag = void>
class list_hook {
 public:
  list_hook() noexcept = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;

  bool is_linked() const noexcept { return next_ != nullptr; }

  void unlink() noexcept {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = nullptr;
  }

  /// `other`, which is in no list, takes our place if we are in one.
  void replace_with(list_hook& other) noexcept {
    if (next_ == nullptr) return;
    other.next_ = next_;
    other.prev_ = prev_;
    prev_->next_ = next_->prev_ = &other;
    next_ = nullptr;
  }

 protected:
  ~list_hook() { unlink(); }

 private:
  template <class, class>
  friend class intrusive_list;

  list_hook* next_ = nullptr;  ///< null: in no list
  list_hook* prev_;
};

/// Circular, with the list itself as sentinel:
///
///     list -> a -> b -> c -> list
template <class T, class Tag = void>
class intrusive_list {
  using hook = list_hook<Tag>;

  struct sentinel : hook {
    sentinel() noexcept { this->next_ = this->prev_ = this; }
    ~sentinel() {
      if (this->next_ == this)
        this->next_ = nullptr;  // alone: there is nothing to leave
    }
  };

 public:
  intrusive_list() noexcept = default;

  bool empty() const noexcept { return next(root_) == &root_; }

  T& front() noexcept { return cast(next(root_)); }

  /// The one behind `node`; null if it is the last.
  T* after(const T& node) noexcept {
    hook* const behind = next(node);
    return behind == &root_ ? nullptr : &cast(behind);
  }

  void push_back(T& node) noexcept { insert_before(root_, node); }
  void push_front(T& node) noexcept { insert_before(*next(root_), node); }

  T& pop_front() noexcept {
    hook* const node = next(root_);
    hook* const rest = node->next_;
    root_.next_ = rest;
    rest->prev_ = &root_;
    node->next_ = nullptr;
    return cast(node);
  }

  /// Takes all nodes of `other`, in their order, behind our own. O(1).
  void splice_back(intrusive_list& other) noexcept { move_before(root_, other); }
  void splice_front(intrusive_list& other) noexcept {
    move_before(*next(root_), other);
  }

  /// Calls `visit(node)` front to back; the node visited may leave the list.
  template <class Visit>
  void for_each(Visit visit) {
    for (hook* at = next(root_); at != &root_;) {
      hook* after = next(*at);
      visit(cast(at));
      at = after;
    }
  }

 private:
  static hook* next(const hook& node) noexcept { return node.next_; }
  static T& cast(hook* node) noexcept { return static_cast<T&>(*node); }

  static void insert_before(hook& place, hook& node) noexcept {
    // In this order: two stores side by side are merged by way of a vector register,
    // and that takes longer.
    hook* const before = place.prev_;
    node.prev_ = before;
    before->next_ = &node;
    node.next_ = &place;
    place.prev_ = &node;
  }

  static void move_before(hook& place, intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* first = other.root_.next_;
    hook* last = other.root_.prev_;
    first->prev_ = place.prev_;
    last->next_ = &place;
    place.prev_->next_ = first;
    place.prev_ = last;
    other.root_.next_ = other.root_.prev_ = &other.root_;
  }

  sentinel root_;
};

}  // namespace aio::detail
