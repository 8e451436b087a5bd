// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/ctrl_c.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <aio/io/run.hpp>
#include <aio/task/sleep.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

using namespace std::chrono_literals;

namespace {

using handler = void (*)(int);

/// SIGINT as a program finds it, although the test framework has its own handler.
class default_sigint {
 public:
  default_sigint() : before_(std::signal(SIGINT, SIG_DFL)) {}
  default_sigint(const default_sigint&) = delete;
  default_sigint& operator=(const default_sigint&) = delete;
  ~default_sigint() { std::signal(SIGINT, before_); }

 private:
  handler before_;
};

handler sigint_handler() {
  struct sigaction present {};
  ::sigaction(SIGINT, nullptr, &present);
  return present.sa_handler;
}

template <class Main>
std::string ending_of_run(Main main) {
  try {
    aio::run(main);
  } catch (const aio::keyboard_interrupt&) {
    return "interrupted";
  } catch (const aio::cancelled_error&) {
    return "cancelled";
  }
  return "returned";
}

volatile std::sig_atomic_t own_calls = 0;
void own_handler(int) { own_calls = own_calls + 1; }

}  // namespace

TEST_CASE("ctrl_c: it cancels the main task, which may clean up, and run throws",
          "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  for (const bool busy : {false, true}) {
    std::string log;
    const std::string how = ending_of_run([&]() -> aio::coro<> {
      aio::get_running_loop().call_later(2ms, [] { ::raise(SIGINT); });
      bool cancelled = false;
      try {
        for (;;) co_await aio::sleep(busy ? aio::duration(0s) : aio::duration(1h));
      } catch (const aio::cancelled_error&) {
        cancelled = true;
      }
      log += "count " + std::to_string(aio::current_task().cancelling());
      co_await aio::sleep(1ms);
      log += ", cleaned up";
      if (cancelled) throw aio::cancelled_error();
    });
    CHECK(how == "interrupted");
    CHECK(log == "count 1, cleaned up");
    CHECK(sigint_handler() == SIG_DFL);
  }
}

TEST_CASE("ctrl_c: a main task that goes on and returns is no interrupt",
          "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  const std::string how = ending_of_run([]() -> aio::coro<> {
    ::raise(SIGINT);
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
  });
  CHECK(how == "returned");
}

TEST_CASE("ctrl_c: a main task that is cancelled by somebody else stays cancelled",
          "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  const std::string alone = ending_of_run([]() -> aio::coro<> {
    aio::current_task().cancel();
    co_await aio::sleep(1h);
  });
  CHECK(alone == "cancelled");
  const std::string both = ending_of_run([]() -> aio::coro<> {
    aio::current_task().cancel();
    ::raise(SIGINT);
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    co_await aio::sleep(1h);  // the interrupt
  });
  CHECK(both == "cancelled");
}

TEST_CASE("ctrl_c: it wakes a loop that waits without any timer", "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  const std::string how = ending_of_run([]() -> aio::coro<> {
    auto never = aio::get_running_loop().create_future();
    ::raise(SIGINT);
    co_await never;
  });
  CHECK(how == "interrupted");
}

TEST_CASE("ctrl_c: one run after the other is interrupted", "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  aio::runner runner;
  auto body = []() -> aio::coro<> {
    ::raise(SIGINT);
    co_await aio::sleep(1h);
  };
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(runner.run(body()), aio::keyboard_interrupt);
    CHECK(sigint_handler() == SIG_DFL);
  }
}

TEST_CASE("ctrl_c: a handler of the program stays", "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  std::signal(SIGINT, own_handler);
  own_calls = 0;
  const std::string how = ending_of_run([]() -> aio::coro<> {
    ::raise(SIGINT);
    co_await aio::sleep(1ms);
  });
  CHECK(how == "returned");
  CHECK(own_calls == 1);
  CHECK(sigint_handler() == own_handler);
}

TEST_CASE("ctrl_c: a handler that the program installs meanwhile stays",
          "[io][ctrl_c]") {
  const default_sigint as_in_programs;
  const std::string how = ending_of_run([]() -> aio::coro<> {
    std::signal(SIGINT, own_handler);
    co_return;
  });
  CHECK(how == "returned");
  CHECK(sigint_handler() == own_handler);
}

TEST_CASE("ctrl_c: the second one ends the process, even if the loop hangs",
          "[io][ctrl_c]") {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    try {
      aio::run([]() -> aio::coro<> {
        ::raise(SIGINT);
        ::raise(SIGINT);  // the loop had no chance to see the first
        co_return;
      });
    } catch (...) {
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}
