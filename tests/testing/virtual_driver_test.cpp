// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/virtual_driver.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <chrono>
#include <thread>

using namespace std::chrono_literals;
using aio::testing::deadlock_error;
using aio::testing::virtual_driver;

TEST_CASE("virtual_driver: waiting sets the time to the deadline",
          "[testing][virtual_driver]") {
  virtual_driver world;
  CHECK(world.now() == aio::time_point());
  world.wait_until(aio::time_point(5s));
  CHECK(world.now() == aio::time_point(5s));
  world.poll();
  CHECK(world.now() == aio::time_point(5s));
}

TEST_CASE("virtual_driver: a wake-up ends one wait, and time stands still",
          "[testing][virtual_driver]") {
  virtual_driver world;
  world.wake();
  world.wait_until(aio::time_point(5s));
  CHECK(world.now() == aio::time_point());
  world.wait_until(aio::time_point(5s));
  CHECK(world.now() == aio::time_point(5s));
  world.wake();
  world.wait_until(aio::detail::never);
  CHECK_THROWS_AS(world.wait_until(aio::detail::never), deadlock_error);
}

TEST_CASE("virtual_driver: waits for threads that will report back",
          "[testing][virtual_driver]") {
  virtual_driver world;
  const aio::detail::intrusive_ptr loop(new aio::detail::loop_core(world));
  world.attach(*loop);
  loop->foreign_operations = 1;
  std::thread other([&] { world.wake(); });
  world.wait_until(aio::time_point(5s));
  other.join();
  CHECK(world.now() == aio::time_point());
  loop->foreign_operations = 0;
  world.wait_until(aio::time_point(5s));
  CHECK(world.now() == aio::time_point(5s));
  loop->close();
}
