// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/use_aio.hpp>

#include <support/net.hpp>

#include <aio/task/gather.hpp>
#include <aio/task/timeout.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using aio::use_aio;
using asio::local::stream_protocol;
using boost::system::error_code;
using test::ending;

namespace {

/// Two sockets of Asio's own that are connected to each other.
struct socket_pair {
  explicit socket_pair(asio::io_context& context) : a(context), b(context) {
    asio::local::connect_pair(a, b);
  }
  stream_protocol::socket a;
  stream_protocol::socket b;
};

/// An operation that completes through `context` with `values`.
template <class... Signatures, class Context, class Token, class... Values>
auto async_give(Context& context, Token&& token, Values... values) {
  return asio::async_initiate<Token, Signatures...>(
      [&context](auto handler, auto... given) {
        asio::post(context,
                   [h = std::move(handler), all = std::tuple<decltype(given)...>(
                                                std::move(given)...)]() mutable {
                     std::apply(std::move(h), std::move(all));
                   });
      },
      token, std::move(values)...);
}

}  // namespace

// ----- values -----

AIO_NET_TEST("use_aio: none is void, one value itself, several are a tuple",
             "[io][use_aio]") {
  asio::steady_timer timer(loop.io_context(), 1ms);
  static_assert(
      std::is_void_v<
          decltype(timer.async_wait(use_aio).operator co_await().await_resume())>);
  co_await timer.async_wait(use_aio);
  co_await asio::post(loop.io_context(), use_aio);
  co_await async_give<void()>(loop.io_context(), use_aio);

  socket_pair sockets(loop.io_context());
  std::array<char, 10> to{};
  const std::size_t sent =
      co_await sockets.a.async_send(asio::buffer("abc", 3), use_aio);
  const std::size_t n = co_await sockets.b.async_receive(asio::buffer(to), use_aio);
  CHECK(sent == 3);
  CHECK(std::string(to.data(), n) == "abc");

  auto both = co_await async_give<void(int, std::unique_ptr<int>)>(
      loop.io_context(), use_aio, 1, std::make_unique<int>(2));
  CHECK(std::get<0>(both) == 1);
  CHECK(*std::get<1>(both) == 2);

  auto [x, y] = co_await async_give<void(error_code, int, std::string)>(
      loop.io_context(), use_aio, error_code(), 3, std::string("four"));
  CHECK(x == 3);
  CHECK(y == "four");
}

AIO_NET_TEST("use_aio: an error that comes first is thrown", "[io][use_aio]") {
  socket_pair sockets(loop.io_context());
  sockets.a.close();
  std::array<char, 10> to{};
  bool at_end = false;
  try {
    co_await asio::async_read(sockets.b, asio::buffer(to), use_aio);
  } catch (const boost::system::system_error& e) {
    at_end = e.code() == asio::error::eof;
  }
  CHECK(at_end);

  auto failing = async_give<void(std::exception_ptr, int)>(
      loop.io_context(), use_aio, std::make_exception_ptr(test::boom()), 1);
  const std::string how = co_await ending(std::move(failing));
  CHECK(how == "boom");
  const int value = co_await async_give<void(std::exception_ptr, int)>(
      loop.io_context(), use_aio, std::exception_ptr(), 1);
  CHECK(value == 1);
}

AIO_NET_TEST("use_aio: several signatures are a variant, or what they agree on",
             "[io][use_aio]") {
  using either = std::variant<int, std::string, std::monostate>;
  auto give = [&](auto... values) {
    return async_give<void(error_code, int), void(error_code, std::string),
                      void(error_code), void(int)>(loop.io_context(), use_aio,
                                                   values...);
  };
  const either first = co_await give(error_code(), 1);
  const either second = co_await give(error_code(), std::string("two"));
  const either third = co_await give(error_code());
  const either fourth = co_await give(4);
  CHECK(std::get<int>(first) == 1);
  CHECK(std::get<std::string>(second) == "two");
  CHECK(std::holds_alternative<std::monostate>(third));
  CHECK(std::get<int>(fourth) == 4);

  const int same = co_await async_give<void(error_code, int), void(int)>(
      loop.io_context(), use_aio, 5);
  CHECK(same == 5);

  asio::experimental::channel<void(error_code, int)> channel(loop.io_context(), 1);
  co_await channel.async_send(error_code(), 6, use_aio);
  const int six = co_await channel.async_receive(use_aio);
  CHECK(six == 6);
}

// ----- other tokens around it -----

AIO_NET_TEST("use_aio: as_tuple, redirect_error and deferred go with it",
             "[io][use_aio]") {
  socket_pair sockets(loop.io_context());
  sockets.a.close();
  std::array<char, 10> to{};
  auto [ec, n] =
      co_await sockets.b.async_receive(asio::buffer(to), asio::as_tuple(use_aio));
  CHECK(ec == asio::error::eof);
  CHECK(n == 0);

  error_code error;
  const std::size_t got = co_await sockets.b.async_receive(
      asio::buffer(to), asio::redirect_error(use_aio, error));
  CHECK(error == asio::error::eof);
  CHECK(got == 0);

  asio::steady_timer timer(loop.io_context(), 1ms);
  auto later = timer.async_wait(asio::deferred);
  co_await std::move(later)(use_aio);
}

AIO_NET_TEST("use_aio: with an executor bound to it the coroutine stays on its thread",
             "[io][use_aio]") {
  asio::thread_pool pool(1);
  const std::thread::id here = std::this_thread::get_id();
  for (int i = 0; i < 20; ++i) {
    asio::steady_timer timer(loop.io_context(), 10us);
    co_await timer.async_wait(asio::bind_executor(pool.get_executor(), use_aio));
    CHECK(std::this_thread::get_id() == here);
    asio::steady_timer there(pool, 10us);
    co_await there.async_wait(use_aio);
    CHECK(std::this_thread::get_id() == here);
  }
}

AIO_NET_TEST("use_aio: bind_allocator goes with it", "[io][use_aio]") {
  asio::steady_timer timer(loop.io_context(), 1ms);
  co_await timer.async_wait(asio::bind_allocator(std::allocator<int>(), use_aio));
}

AIO_NET_TEST("use_aio: an I/O object may have it as its default", "[io][use_aio]") {
  using timer_type = aio::use_aio_t::as_default_on_t<asio::steady_timer>;
  timer_type timer(loop.io_context(), 1ms);
  co_await timer.async_wait();
  auto other = aio::use_aio_t::as_default_on(asio::steady_timer(loop.io_context()));
  other.expires_after(1ms);
  co_await other.async_wait();
}

// ----- in our own house -----

AIO_NET_TEST("use_aio: an operation is awaitable wherever a coroutine is",
             "[io][use_aio]") {
  asio::steady_timer timer(loop.io_context(), 1ms);
  asio::steady_timer other(loop.io_context(), 1ms);
  static_assert(aio::awaitable<decltype(timer.async_wait(use_aio))>);
  co_await aio::gather(timer.async_wait(use_aio), other.async_wait(use_aio));
  other.expires_after(1h);
  const std::string how =
      co_await ending(aio::wait_for(other.async_wait(use_aio), 1ms));
  CHECK(how == "timeout");
  const auto made = aio::create_task(timer.async_wait(asio::as_tuple(use_aio)));
  const auto [ec] = co_await made;
  CHECK_FALSE(ec);
}

AIO_NET_TEST("use_aio: a composed operation runs its steps on the loop's thread",
             "[io][use_aio]") {
  asio::thread_pool pool(1);
  asio::steady_timer timer(pool);
  std::vector<std::thread::id> steps;
  auto wait_twice = [&, count = 0](auto& self, error_code = {}) mutable {
    if (count > 0) steps.push_back(std::this_thread::get_id());
    if (++count == 3) return self.complete({}, count);
    timer.expires_after(10us);
    timer.async_wait(std::move(self));
  };
  const int count =
      co_await asio::async_compose<const aio::use_aio_t&, void(error_code, int)>(
          std::ref(wait_twice), use_aio, timer);
  CHECK(count == 3);
  CHECK(steps == std::vector(2, std::this_thread::get_id()));
}

AIO_NET_TEST("use_aio: nothing begins before the await", "[io][use_aio]") {
  bool begun = false;
  {
    [[maybe_unused]] auto never = asio::async_initiate<const aio::use_aio_t&, void()>(
        [&](auto&&) { begun = true; }, use_aio);
  }
  auto body = [&]() -> aio::coro<> {
    auto never = asio::async_initiate<const aio::use_aio_t&, void()>(
        [&](auto&&) { begun = true; }, use_aio);
    co_await std::move(never);
  };
  auto task = aio::create_task(body());
  task.cancel();
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
  CHECK_FALSE(begun);
}

AIO_NET_TEST(
    "use_aio: what is called from within, throws, or is dropped ends the await",
    "[io][use_aio]") {
  const int at_once = co_await asio::async_initiate<const aio::use_aio_t&, void(int)>(
      [](auto&& handler) { std::move(handler)(7); }, use_aio);
  CHECK(at_once == 7);

  auto throwing = asio::async_initiate<const aio::use_aio_t&, void(int)>(
      [](auto&&) { throw test::boom(); }, use_aio);
  const std::string how = co_await ending(std::move(throwing));
  CHECK(how == "boom");

  bool was_dropped = false;
  std::shared_ptr<void> kept;
  loop.call_later(1ms, [&] { kept.reset(); });
  auto dropped = asio::async_initiate<const aio::use_aio_t&, void(int)>(
      [&](auto&& handler) {
        using handler_type = std::decay_t<decltype(handler)>;
        kept = std::make_shared<handler_type>(std::move(handler));
      },
      use_aio);
  try {
    static_cast<void>(co_await std::move(dropped));
  } catch (const boost::system::system_error& e) {
    was_dropped = e.code() == asio::error::operation_aborted;
  }
  CHECK(was_dropped);
}

TEST_CASE("use_aio: in virtual time there are no sockets", "[io][use_aio]") {
  aio::testing::virtual_driver world;
  aio::event_loop loop(world);
  world.attach(loop.core());
  auto giving = asio::async_initiate<const aio::use_aio_t&, void()>(
      [](auto&& handler) { std::move(handler)(); }, use_aio);
  auto task = loop.create_task(ending(std::move(giving)));
  CHECK(loop.run_until_complete(task) == "usage");
}

// ----- cancellation -----

AIO_NET_TEST("use_aio: a cancel stops the operation and waits for its handler",
             "[io][use_aio]") {
  socket_pair sockets(loop.io_context());
  std::array<char, 10> to{};
  bool came_back = false;
  auto body = [&]() -> aio::coro<> {
    auto receiving =
        asio::async_initiate<const aio::use_aio_t&, void(error_code, std::size_t)>(
            [&](auto&& handler) {
              const auto slot = asio::get_associated_cancellation_slot(handler);
              sockets.b.async_receive(
                  asio::buffer(to), asio::bind_cancellation_slot(
                                        slot, [&came_back, h = std::move(handler)](
                                                  error_code e, std::size_t n) mutable {
                                          came_back =
                                              e == asio::error::operation_aborted;
                                          h(e, n);
                                        }));
            },
            use_aio);
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

AIO_NET_TEST("use_aio: a cancel reaches a composed operation", "[io][use_aio]") {
  socket_pair sockets(loop.io_context());
  std::string to(1000, ' ');
  auto task = aio::create_task(asio::async_read(sockets.b, asio::buffer(to), use_aio));
  co_await asio::async_write(sockets.a, asio::buffer("some", 4), use_aio);
  co_await test::polls(3);
  CHECK_FALSE(task.done());
  task.cancel("enough");
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled: enough");
}

AIO_NET_TEST("use_aio: a cancel that comes after the handler raises all the same",
             "[io][use_aio]") {
  aio::task<> task;
  auto body = [&]() -> aio::coro<> {
    co_await asio::async_initiate<const aio::use_aio_t&, void()>(
        [&](auto&& handler) {
          asio::post(loop.io_context(), [&task, h = std::move(handler)]() mutable {
            h();
            task.cancel();
          });
        },
        use_aio);
  };
  task = aio::create_task(body());
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
}

AIO_NET_TEST("use_aio: operations of another context are cancelled as well",
             "[io][use_aio]") {
  asio::thread_pool pool(1);
  for (int i = 0; i < 20; ++i) {
    asio::steady_timer timer(pool, 1h);
    auto task = aio::create_task(timer.async_wait(use_aio));
    co_await test::turns(2);
    task.cancel();
    const std::string how = co_await ending(task);
    CHECK(how == "cancelled");
  }
}

// ----- the end of the loop -----

TEST_CASE("use_aio: a frame that goes with its loop leaves the operation alone",
          "[io][use_aio]") {
  asio::io_context context;
  asio::thread_pool pool(1);
  asio::steady_timer timer(context, 1h);
  asio::steady_timer there(pool, 1h);
  {
    aio::event_loop loop(context);
    loop.set_exception_handler([](const aio::exception_context&) {});
    loop.create_task(timer.async_wait(use_aio));
    loop.create_task(
        there.async_wait(asio::bind_executor(pool.get_executor(), use_aio)));
    loop.run_until_complete(test::polls(2));
  }
  context.restart();
  context.run();  // the operations were told to stop, and their handlers find nobody
  pool.join();
}

TEST_CASE("use_aio: a handler on another thread may come after the end of the loop",
          "[io][use_aio]") {
  for (int i = 0; i < 50; ++i) {
    asio::thread_pool pool(1);
    asio::steady_timer timer(pool, std::chrono::microseconds(i));
    aio::event_loop loop;
    loop.set_exception_handler([](const aio::exception_context&) {});
    loop.create_task(
        timer.async_wait(asio::bind_executor(pool.get_executor(), use_aio)));
    loop.run_until_complete(test::turns(1));
    loop.close();
  }
}

TEST_CASE("use_aio: a loop as the guest of a context that others run",
          "[io][use_aio]") {
  asio::io_context context;
  aio::event_loop loop(context);
  socket_pair sockets(context);
  std::string got;
  auto body = [&]() -> aio::coro<> {
    char to[10];
    const std::size_t n = co_await sockets.b.async_receive(asio::buffer(to), use_aio);
    got.assign(to, n);
  };
  loop.create_task(body());
  sockets.a.async_send(asio::buffer("guest", 5), [](error_code, std::size_t) {});
  context.run();
  CHECK(got == "guest");
}
