// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Tests with a Redis of their own.

#pragma once

#include <chat/redis/connection.hpp>

#include <chat/log.hpp>

#include <support/catch.hpp>
#include <support/child.hpp>
#include <support/net.hpp>
#include <support/tools.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// Waits until `condition()` holds; fails after half a minute.
template <class Condition>
aio::coro<> eventually(Condition condition) {
  const aio::time_point last = aio::clock::now() + std::chrono::seconds(30);
  bool holds = condition();
  while (!holds) {
    if (aio::clock::now() > last) FAIL("it has never come to what the test waits for");
    co_await aio::sleep(std::chrono::milliseconds(2));
    holds = condition();
  }
}

/// A redis-server in a folder of its own, which is removed. It dies with this process.
class redis_server {
 public:
  redis_server() { REQUIRE(::mkdtemp(folder_.data()) != nullptr); }
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;
  ~redis_server() {
    kill(SIGCONT);
    kill(SIGKILL);
    wait();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/redis.sock"; }
  std::string url() const { return "redis+unix://" + path(); }

  void start(const std::vector<std::string>& more = {}) {
    REQUIRE(process_ == 0);
    std::filesystem::create_directory(data());
    std::vector<std::string> words = {
        "redis-server", "--port",      "0",  "--unixsocket", path(),   "--dir",
        data(),         "--save",      "",   "--appendonly", "yes",    "--appendfsync",
        "always",       "--daemonize", "no", "--loglevel",   "warning"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& one : words) argv.push_back(one.data());
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(nowhere, fd);
    for (int fd = 3; fd < 256; ++fd) ::close(fd);
    if (::getppid() == parent) ::execvp(argv[0], argv.data());
    ::_exit(127);
  }

  void kill(int signal) const {
    if (process_ > 0) ::kill(process_, signal);
  }

  /// Ends it, and waits for the end.
  aio::coro<> stop(int signal) {
    kill(signal);
    co_await eventually([this] {
      if (::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
      return process_ == 0;
    });
  }

  void lose_data() const { std::filesystem::remove_all(data()); }

  /// A connection to it, as soon as it serves.
  aio::coro<std::unique_ptr<chat::redis::connection>> connect(std::string login = {}) {
    const auto where = chat::redis::parse_address("redis+unix://" + login + path());
    const aio::time_point last = aio::clock::now() + std::chrono::seconds(30);
    std::unique_ptr<chat::redis::connection> made;
    while (!made) {
      try {
        auto open = chat::redis::connection::open(where, {});
        made = co_await std::move(open);
      } catch (const chat::redis::error& failure) {
        if (aio::clock::now() > last) FAIL("no redis-server: " << failure.what());
      }
      co_await aio::sleep(std::chrono::milliseconds(2));
    }
    co_return made;
  }

 private:
  std::string data() const { return folder_ + "/data"; }

  void wait() {
    if (process_ <= 0) return;
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
  }

  std::string folder_ = "/tmp/aio_redis_XXXXXX";
  pid_t process_ = 0;
};

/// Runs a test with a server that was not started yet, on a real loop. It fails if
/// something is reported or a descriptor stays open.
inline void run_with_redis(aio::coro<> (*body)(redis_server&)) {
  if (!has_program("redis-server")) return;
  chat::set_log_level(chat::log_level::error);
  redis_server server;
  const std::size_t before = open_descriptors();
  {
    aio::runner runner;
    reports seen(runner.get_loop().core());
    runner.run(aio::wait_for(body(server), std::chrono::seconds(50)));
    runner.close();
    CHECK(seen.take() == "");
  }
  CHECK(open_descriptors() == before);
  chat::set_log_level(chat::log_level::info);
}

}  // namespace test

/// Defines a test whose body is a coroutine with a test::redis_server named `server`.
#define REDIS_TEST(...) \
  REDIS_TEST_(INTERNAL_CATCH_UNIQUE_NAME(redis_test_), __VA_ARGS__)
#define REDIS_TEST_(body, ...)                                 \
  static ::aio::coro<void> body(::test::redis_server& server); \
  TEST_CASE(__VA_ARGS__) { ::test::run_with_redis(body); }     \
  static ::aio::coro<void> body([[maybe_unused]] ::test::redis_server& server)
