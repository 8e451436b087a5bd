// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Tests whose body is a coroutine on real time and real sockets.

#pragma once

#include <aio/io/event_loop.hpp>
#include <aio/io/run.hpp>
#include <aio/task/timeout.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <boost/asio/post.hpp>

#include <dirent.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>

/// Defines a test whose body is a coroutine on an aio::event_loop named `loop`.
///
/// It fails if it takes too long, if `reports` (a test::reports) holds at the end what
/// it did not take out, and if it leaves descriptors open. With AIO_TEST_IN_CONTEXT in
/// the environment the loop waits through its io_context.
///
/// Await in statements of their own, never inside CHECK or REQUIRE: those name their
/// argument twice.
#define AIO_NET_TEST(...) \
  AIO_NET_TEST_(INTERNAL_CATCH_UNIQUE_NAME(aio_net_test_), __VA_ARGS__)
#define AIO_NET_TEST_(body, ...)                                                    \
  static ::aio::coro<void> body(::aio::event_loop& loop, ::test::reports& reports); \
  TEST_CASE(__VA_ARGS__) { ::test::run_on_sockets(body); }                          \
  static ::aio::coro<void> body([[maybe_unused]] ::aio::event_loop& loop,           \
                                [[maybe_unused]] ::test::reports& reports)

namespace test {

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const all = ::opendir("/proc/self/fd");
  REQUIRE(all != nullptr);
  while (::readdir(all) != nullptr) ++count;
  ::closedir(all);
  return count;
}

/// Bytes of this process's heap and stacks that are in memory.
inline std::size_t anonymous_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "RssAnon:") {
  }
  std::size_t kibibytes = 0;
  status >> kibibytes;
  REQUIRE(kibibytes > 0);
  return kibibytes * 1024;
}

inline void run_on_sockets(aio::coro<void> (*body)(aio::event_loop&, reports&)) {
  const std::size_t before = open_descriptors();
  {
    aio::runner runner;
    if (std::getenv("AIO_TEST_IN_CONTEXT") != nullptr) runner.get_loop().io_context();
    reports seen(runner.get_loop().core());
    runner.run(aio::wait_for(body(runner.get_loop(), seen), std::chrono::seconds(20)));
    runner.close();
    CHECK(seen.take() == "");
  }
  CHECK(open_descriptors() == before);
}

/// Goes so often around through the world: what has happened meanwhile was seen.
inline aio::coro<> polls(int count) {
  for (int i = 0; i < count; ++i) co_await aio::sleep(std::chrono::microseconds(1));
}

/// A coroutine that waits until `condition()` holds, from outside of the loop's turns.
template <class Condition>
aio::coro<> until(Condition condition) {
  bool holds = condition();
  while (!holds) {
    co_await polls(1);
    holds = condition();
  }
}

/// `size` bytes in which no stretch looks like another.
inline std::string pattern(std::size_t size) {
  std::string made(size, '\0');
  std::uint32_t state = 2463534242U;
  for (char& c : made) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    c = static_cast<char>('!' + state % 90);
  }
  return made;
}

}  // namespace test
