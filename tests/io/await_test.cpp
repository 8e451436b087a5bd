// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/await.hpp>

#include <support/net.hpp>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using aio::detail::await_asio;
using boost::system::error_code;
using test::ending;

AIO_NET_TEST("await_asio: yields what the handler was given", "[io][await]") {
  boost::asio::steady_timer timer(loop.io_context(), 1ms);
  auto waiting = await_asio<error_code>(
      [&](auto handler) { timer.async_wait(std::move(handler)); });
  const auto [error] = co_await std::move(waiting);
  CHECK_FALSE(error);
}

AIO_NET_TEST("await_asio: several values, and values that can only be moved",
             "[io][await]") {
  auto giving = await_asio<int, std::unique_ptr<int>>([&](auto handler) {
    boost::asio::post(loop.io_context(), [h = std::move(handler)]() mutable {
      h(1, std::make_unique<int>(2));
    });
  });
  auto both = co_await std::move(giving);
  CHECK(std::get<0>(both) == 1);
  CHECK(*std::get<1>(both) == 2);
}

AIO_NET_TEST("await_asio: a cancel stops the operation", "[io][await]") {
  boost::asio::ip::udp::socket socket(loop.io_context(),
                                      {boost::asio::ip::address_v4::loopback(), 0});
  std::array<char, 10> to{};
  bool came_back = false;
  auto body = [&]() -> aio::coro<> {
    auto receiving = await_asio<error_code, std::size_t>([&](auto handler) {
      socket.async_receive(boost::asio::buffer(to),
                           boost::asio::bind_cancellation_slot(
                               boost::asio::get_associated_cancellation_slot(handler),
                               [&came_back, h = std::move(handler)](
                                   error_code e, std::size_t n) mutable {
                                 came_back = true;
                                 h(e, n);
                               }));
    });
    static_cast<void>(co_await std::move(receiving));
  };
  auto task = aio::create_task(body());
  co_await test::polls(3);
  CHECK_FALSE(task.done());
  task.cancel();
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
  CHECK(came_back);
}

AIO_NET_TEST("await_asio: a cancel that comes after the handler raises all the same",
             "[io][await]") {
  boost::asio::steady_timer timer(loop.io_context());
  aio::task<> task;
  auto body = [&]() -> aio::coro<> {
    auto posting = await_asio<int>([&](auto handler) {
      boost::asio::post(loop.io_context(), [&task, h = std::move(handler)]() mutable {
        h(1);
        task.cancel();
      });
    });
    static_cast<void>(co_await std::move(posting));
  };
  task = aio::create_task(body());
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
}

AIO_NET_TEST("await_asio: cancelled before it starts nothing is started",
             "[io][await]") {
  bool started = false;
  auto body = [&]() -> aio::coro<> {
    auto never = await_asio<error_code>([&](auto) { started = true; });
    static_cast<void>(co_await std::move(never));
  };
  auto task = aio::create_task(body());
  task.cancel();
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
  CHECK_FALSE(started);
}

TEST_CASE("await_asio: a frame that goes with its loop leaves the operation alone",
          "[io][await]") {
  boost::asio::io_context context;
  boost::asio::steady_timer timer(context, 1h);
  {
    aio::event_loop loop(context);
    loop.set_exception_handler([](const aio::exception_context&) {});
    auto body = [&]() -> aio::coro<> {
      auto waiting = await_asio<error_code>(
          [&](auto handler) { timer.async_wait(std::move(handler)); });
      static_cast<void>(co_await std::move(waiting));
    };
    loop.create_task(body());
    loop.run_until_complete(test::polls(2));
  }
  context.restart();
  context.run();  // the operation was told to stop, and its handler finds nobody
}
