// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/detail/no_sigpipe.hpp>

#include <support/catch.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>

using aio::detail::without_sigpipe;

namespace {

int seen = 0;
void count(int) { ++seen; }

/// Counts SIGPIPE while it lives, with or without the signal blocked.
class sigpipe_watch {
 public:
  explicit sigpipe_watch(bool blocked = false) {
    seen = 0;
    struct sigaction ours {};
    ours.sa_handler = &count;
    REQUIRE(::sigaction(SIGPIPE, &ours, &handler_) == 0);
    REQUIRE(::pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set(), &mask_) == 0);
  }
  ~sigpipe_watch() {
    ::pthread_sigmask(SIG_UNBLOCK, &set(), nullptr);
    ::sigaction(SIGPIPE, &handler_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }

  static const sigset_t& set() {
    static const sigset_t only = [] {
      sigset_t made;
      ::sigemptyset(&made);
      ::sigaddset(&made, SIGPIPE);
      return made;
    }();
    return only;
  }

  static bool is_blocked() {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return ::sigismember(&now, SIGPIPE) == 1;
  }
  static bool is_pending() {
    sigset_t now;
    ::sigpending(&now);
    return ::sigismember(&now, SIGPIPE) == 1;
  }

 private:
  struct sigaction handler_ {};
  sigset_t mask_{};
};

/// A pipe that nobody reads from.
struct broken_pipe {
  broken_pipe() {
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
  }
  ~broken_pipe() { ::close(ends[1]); }
  ssize_t write() const { return ::write(ends[1], "x", 1); }
  int ends[2];
};

}  // namespace

TEST_CASE("without_sigpipe: a call on a broken pipe fails and raises no signal",
          "[net][no_sigpipe]") {
  const sigpipe_watch watch;
  const broken_pipe pipe;
  REQUIRE(pipe.write() == -1);
  REQUIRE(seen == 1);  // so would it be

  CHECK(without_sigpipe([&] { return pipe.write(); }) == -1);
  CHECK(errno == EPIPE);
  CHECK(seen == 1);
  CHECK_FALSE(watch.is_blocked());
}

TEST_CASE("without_sigpipe: a call that succeeds leaves everything as it was",
          "[net][no_sigpipe]") {
  const sigpipe_watch watch;
  errno = ENOENT;
  CHECK(without_sigpipe([] { return ssize_t{7}; }) == 7);
  CHECK(errno == ENOENT);
  CHECK_FALSE(watch.is_blocked());
  ::raise(SIGPIPE);
  CHECK(seen == 1);
}

TEST_CASE("without_sigpipe: where the signal is blocked it stays so, and none is left",
          "[net][no_sigpipe]") {
  const sigpipe_watch watch(true);
  const broken_pipe pipe;
  CHECK(without_sigpipe([&] { return pipe.write(); }) == -1);
  CHECK(watch.is_blocked());
  CHECK_FALSE(watch.is_pending());
}

TEST_CASE("without_sigpipe: a signal that was pending before is not taken",
          "[net][no_sigpipe]") {
  const sigpipe_watch watch(true);
  const broken_pipe pipe;
  ::raise(SIGPIPE);
  CHECK(without_sigpipe([&] { return pipe.write(); }) == -1);
  CHECK(errno == EPIPE);
  CHECK(watch.is_pending());
}
