// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/spawn.hpp>

#include <support/net.hpp>

#include <aio/io/use_aio.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::name_of;

namespace {

aio::coro<int> give(int value) {
  co_await aio::sleep(0s);
  co_return value;
}

aio::coro<> fail() {
  co_await aio::sleep(0s);
  throw test::boom();
}

/// What a callback of a coro<> was given, as a word; empty before.
struct heard {
  auto hear() {
    return [this](std::exception_ptr error) { word = word_of(error); };
  }
  static std::string word_of(const std::exception_ptr& error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
      if (e.code() == asio::error::operation_aborted) return "aborted";
    } catch (...) {
    }
    return name_of(error);
  }
  std::string word;
};

}  // namespace

// ----- tokens -----

AIO_NET_TEST("spawn: a callback gets the error and the value, on a later turn",
             "[io][spawn]") {
  int got = 0;
  heard failed;
  aio::spawn(loop, give(42), [&](std::exception_ptr error, int value) {
    CHECK_FALSE(error);
    got = value;
  });
  aio::spawn(loop, fail(), failed.hear());
  CHECK(got == 0);
  co_await test::turns(5);
  CHECK(got == 42);
  CHECK(failed.word == "boom");
}

AIO_NET_TEST("spawn: values that can only be moved, and callables with captures",
             "[io][spawn]") {
  std::string got;
  auto keep = [&](std::exception_ptr, std::unique_ptr<std::string> value) {
    got = *value;
  };
  aio::spawn(
      loop,
      [text = std::make_unique<std::string>("a text that is kept")]() mutable
      -> aio::coro<std::unique_ptr<std::string>> {
        co_await aio::sleep(0s);
        co_return std::move(text);
      },
      keep);
  co_await test::turns(5);
  CHECK(got == "a text that is kept");
}

AIO_NET_TEST("spawn: detached, and a callback that throws is reported", "[io][spawn]") {
  aio::spawn(loop, fail(), asio::detached);
  aio::spawn(loop, fail(),
             [](std::exception_ptr error) { std::rethrow_exception(error); });
  co_await test::turns(5);
  CHECK(reports.take() == "boom");
}

AIO_NET_TEST("spawn: deferred begins when it is called, also from a coroutine of ours",
             "[io][spawn]") {
  bool begun = false;
  auto body = [&]() -> aio::coro<int> {
    begun = true;
    co_return 1;
  };
  auto later = aio::spawn(loop, body(), asio::deferred);
  co_await test::turns(3);
  CHECK_FALSE(begun);
  const int one = co_await std::move(later)(aio::use_aio);
  CHECK(one == 1);
  auto [error, two] = co_await aio::spawn(loop, give(2), asio::as_tuple(aio::use_aio));
  CHECK_FALSE(error);
  CHECK(two == 2);
}

TEST_CASE("spawn: a future of the standard, from another thread", "[io][spawn]") {
  aio::event_loop loop;
  std::string log;
  std::thread other([&] {
    std::future<int> value = aio::spawn(loop, give(3), asio::use_future);
    std::future<void> error = aio::spawn(loop, fail(), asio::use_future);
    log = std::to_string(value.get());
    try {
      error.get();
    } catch (const test::boom&) {
      log += " boom";
    }
    loop.call_soon_threadsafe([&] { loop.stop(); });
  });
  loop.run_forever();
  other.join();
  CHECK(log == "3 boom");
}

TEST_CASE("spawn: a coroutine of Asio awaits one of ours, and the other way round",
          "[io][spawn]") {
  asio::io_context context;
  aio::event_loop loop(context);
  std::string log;
  auto ours = [&](int n) -> aio::coro<std::string> {
    asio::steady_timer timer(context, 1ms);
    co_await timer.async_wait(aio::use_aio);
    co_return "ours " + std::to_string(n);
  };
  auto theirs = [&]() -> asio::awaitable<std::string> {
    log = co_await aio::spawn(loop, ours(1), asio::use_awaitable);
    bool failed = false;
    try {
      co_await aio::spawn(loop, fail(), asio::use_awaitable);
    } catch (const test::boom&) {
      failed = true;
    }
    log += failed ? " failed" : "";
    co_return "theirs";
  };
  auto main = [&]() -> aio::coro<> {
    const std::string got = co_await asio::co_spawn(context, theirs(), aio::use_aio);
    log += " " + got;
  };
  aio::spawn(loop, main(), asio::detached);
  context.run();
  CHECK(log == "ours 1 failed theirs");
}

// ----- where the handler runs -----

AIO_NET_TEST("spawn: the handler runs on its own executor, whose work it keeps",
             "[io][spawn]") {
  asio::thread_pool pool(1);
  std::promise<std::thread::id> where;
  aio::spawn(loop, give(1), asio::bind_executor(pool, [&](std::exception_ptr, int) {
               where.set_value(std::this_thread::get_id());
             }));
  std::thread joiner([&] { pool.join(); });  // waits for the handler
  co_await test::turns(5);
  joiner.join();
  CHECK(where.get_future().get() != std::this_thread::get_id());
}

// ----- cancellation -----

AIO_NET_TEST("spawn: a signal of any type cancels the task", "[io][spawn]") {
  using type = asio::cancellation_type;
  for (const type how : {type::terminal, type::partial, type::total}) {
    asio::cancellation_signal stop;
    heard end;
    std::string seen;
    auto body = [&]() -> aio::coro<> {
      try {
        co_await aio::sleep(1h);
      } catch (const aio::cancelled_error&) {
        seen = "cancelled";
        throw;
      }
    };
    aio::spawn(loop, body(), asio::bind_cancellation_slot(stop.slot(), end.hear()));
    co_await test::turns(2);
    stop.emit(how);
    CHECK(end.word.empty());
    co_await test::turns(5);
    CHECK(seen == "cancelled");
    CHECK(end.word == "aborted");
    stop.emit(how);  // nothing is there any more
  }
}

TEST_CASE("spawn: a signal that comes before the task has begun", "[io][spawn]") {
  aio::event_loop loop;
  asio::cancellation_signal stop;
  heard end;
  bool begun = false;
  auto body = [&]() -> aio::coro<> {
    begun = true;
    co_return;
  };
  aio::spawn(loop, body(), asio::bind_cancellation_slot(stop.slot(), end.hear()));
  stop.emit(asio::cancellation_type::total);
  loop.run_until_complete(test::turns(5));
  CHECK(end.word == "aborted");
  CHECK_FALSE(begun);
}

TEST_CASE("spawn: signals of another thread race with the end of the task",
          "[io][spawn]") {
  asio::thread_pool pool(1);
  auto strand = asio::make_strand(pool);
  aio::event_loop loop;
  auto guard = loop.create_task(aio::sleep(1h));
  int ended = 0;
  for (int i = 0; i < 100; ++i) {
    asio::post(strand, [&] {
      auto stop = std::make_shared<asio::cancellation_signal>();
      aio::spawn(loop, aio::sleep(0s),
                 asio::bind_executor(
                     strand, asio::bind_cancellation_slot(
                                 stop->slot(), [&, stop](std::exception_ptr) {
                                   if (++ended < 100) return;
                                   loop.call_soon_threadsafe([&] { guard.cancel(); });
                                 })));
      asio::post(strand, [stop] { stop->emit(asio::cancellation_type::total); });
    });
  }
  CHECK_THROWS_AS(loop.run_until_complete(guard), aio::cancelled_error);
  pool.join();
  CHECK(ended == 100);
}

// ----- the end of the loop -----

TEST_CASE("spawn: a loop that is closed drops the handler and takes no coroutine",
          "[io][spawn]") {
  auto loop = std::make_unique<aio::event_loop>();
  loop->set_exception_handler([](const aio::exception_context&) {});
  asio::cancellation_signal stop;
  bool called = false;
  std::weak_ptr<int> alive;
  {
    auto kept = std::make_shared<int>();
    alive = kept;
    aio::spawn(
        *loop, aio::sleep(1h),
        asio::bind_cancellation_slot(
            stop.slot(), [&called, kept](std::exception_ptr) { called = true; }));
  }
  loop->run_until_complete(test::turns(3));
  std::future<int> never_started = aio::spawn(*loop, give(1), asio::use_future);
  loop->close();
  CHECK(alive.expired());
  CHECK_FALSE(called);
  CHECK_THROWS_AS(never_started.get(), std::future_error);
  CHECK_THROWS_AS(aio::spawn(*loop, give(1), asio::detached), aio::usage_error);
  loop.reset();
  stop.emit(asio::cancellation_type::total);
}
