// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Something the loop will run: a callback, or a task to resume.

#pragma once

#include <aio/detail/intrusive_list.hpp>

namespace aio::detail {

/// Stands in at most one list: of those who wait for something, or of those who
/// are ready. To leave is to unlink().
class ready_node : public list_hook<> {
 public:
  ready_node() noexcept = default;

  /// Called once by the loop, already unlinked.
  virtual void run() = 0;

  /// The loop closes and will not run it: gives up what it owns.
  virtual void discard() noexcept {}

  /// Whether it lets a task go on; else it is a callback.
  virtual bool is_task_step() const noexcept { return false; }

 protected:
  ~ready_node() = default;
};

}  // namespace aio::detail
