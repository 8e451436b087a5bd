// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What count_calls.cpp counts within a server, in a page that `bench` sees too.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bench {

/// The kinds of calls that are told apart.
enum class call : std::size_t {
  receive,   ///< of data: recv, read, readv, recvfrom, recv(m)msg
  refused,   ///< those of them that failed, nearly always for want of data
  send,      ///< send, write, writev, sendto, send(m)msg
  wait,      ///< epoll_wait and its like
  control,   ///< epoll_ctl
  timer,     ///< timerfd_settime
  wake,      ///< reads and writes of an eventfd
  allocate,  ///< malloc, calloc, realloc and aligned ones; operator new is among them
};
inline constexpr std::size_t call_kinds = 8;

using call_numbers = std::array<std::uint64_t, call_kinds>;

/// The page. Any number of threads count.
class call_page {
 public:
  void count(call kind) noexcept {
    of_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  }

  call_numbers numbers() const noexcept {
    call_numbers n{};
    for (std::size_t i = 0; i < call_kinds; ++i) {
      n[i] = of_[i].load(std::memory_order_relaxed);
    }
    return n;
  }

 private:
  std::array<std::atomic<std::uint64_t>, call_kinds> of_{};
};

/// The environment variable with the name of the file that is the page.
inline constexpr const char* call_page_variable = "AIO_COUNT_CALLS";

}  // namespace bench
