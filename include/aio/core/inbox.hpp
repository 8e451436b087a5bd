// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The mailbox that other threads may write to: the only lock in core.

#pragma once

#include <aio/core/driver.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/detail/intrusive_list.hpp>

#include <atomic>
#include <mutex>

namespace aio::detail {

class inbox {
 public:
  explicit inbox(driver& world) noexcept : world_(&world) {}

  /// Any thread. False if the loop is closed; the node is then not taken.
  bool post(ready_node& node) {
    const std::lock_guard lock(mutex_);
    if (world_ == nullptr) return false;
    nodes_.push_back(node);
    // One wake-up per visit of the loop is enough.
    if (!filled_.exchange(true, std::memory_order_release)) world_->wake();
    return true;
  }

  /// The loop's thread: moves what has come behind `ready`.
  void drain(intrusive_list<ready_node>& ready) {
    if (filled_.load(std::memory_order_acquire)) [[unlikely]]
      take_all(ready);
  }

  void close(intrusive_list<ready_node>& rest) {
    const std::lock_guard lock(mutex_);
    world_ = nullptr;
    rest.splice_back(nodes_);
  }

 private:
  [[gnu::noinline]] void take_all(intrusive_list<ready_node>& ready) {
    const std::lock_guard lock(mutex_);
    filled_.store(false, std::memory_order_relaxed);
    ready.splice_back(nodes_);
  }

  std::mutex mutex_;
  std::atomic<bool> filled_ = false;
  intrusive_list<ready_node> nodes_;
  driver* world_;
};

}  // namespace aio::detail
