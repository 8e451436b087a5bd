// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// System calls that know no MSG_NOSIGNAL, without the signal: write to a pipe,
/// sendfile, splice.

#pragma once

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <ctime>

namespace aio::detail {

/// Calls `call()`, which returns -1 and sets errno as system calls do. If it fails with
/// EPIPE this thread gets no SIGPIPE from it, whatever the program does about that
/// signal; one that was pending before stays.
///
/// Sockets have MSG_NOSIGNAL, which is cheaper.
///
/// Complexity: two more system calls; two or three more after EPIPE
template <class Call>
auto without_sigpipe(Call call) noexcept {
  sigset_t only_this;
  ::sigemptyset(&only_this);
  ::sigaddset(&only_this, SIGPIPE);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &only_this, &before);
  // Only where it was blocked can one be pending.
  bool is_pending = false;
  const bool is_blocked = ::sigismember(&before, SIGPIPE) == 1;
  if (is_blocked) {
    sigset_t pending;
    ::sigpending(&pending);
    is_pending = ::sigismember(&pending, SIGPIPE) == 1;
  }

  const auto result = call();

  const int error = errno;
  if (result < 0 && error == EPIPE && !is_pending) {
    const timespec at_once{};
    while (::sigtimedwait(&only_this, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  if (!is_blocked) ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return result;
}

}  // namespace aio::detail
