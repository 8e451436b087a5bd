// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/suspension.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <coroutine>
#include <string>

using namespace std::chrono_literals;
using test::ending;

namespace {

/// The least that one can wait for: a line, of which open() wakes the first.
class door {
 public:
  explicit door(bool can_be_left = true) noexcept : can_be_left_(can_be_left) {}

  auto operator co_await() noexcept { return awaiter(*this); }

  void open() {
    if (!line_.empty()) static_cast<awaiter&>(line_.pop_front()).let_in();
  }
  bool is_empty() const noexcept { return line_.empty(); }
  int asked = 0;  ///< how often a waiter was asked to let go

 private:
  class awaiter final : public aio::detail::suspension {
   public:
    explicit awaiter(door& at) noexcept : at_(at) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      at_.line_.push_back(*this);
      park(frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }
    void let_in() noexcept {
      let_in_ = true;
      wake();
    }

   private:
    bool cancel() noexcept override {
      ++at_.asked;
      if (let_in_ || !at_.can_be_left_) return false;
      call_off();
      return true;
    }
    door& at_;
    bool let_in_ = false;
  };

  bool can_be_left_;
  aio::detail::intrusive_list<aio::detail::ready_node> line_;
};

}  // namespace

AIO_TEST("suspension: woken, the frame runs on the next turn", "[coro][suspension]") {
  door d;
  bool inside = false;
  auto t = aio::create_task([&]() -> aio::coro<> {
    co_await d;
    inside = true;
  });
  co_await aio::sleep(0s);
  CHECK_FALSE(d.is_empty());
  d.open();
  CHECK_FALSE(inside);
  co_await aio::sleep(0s);
  CHECK(inside);
  CHECK(t.done());
}

AIO_TEST("suspension: called off, it leaves the line and raises",
         "[coro][suspension]") {
  door d;
  auto t = aio::create_task([&]() -> aio::coro<> { co_await d; });
  co_await aio::sleep(0s);
  t.cancel("why");
  CHECK(d.is_empty());
  CHECK(d.asked == 1);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: why");
}

AIO_TEST("suspension: a request after the wake-up makes the await raise",
         "[coro][suspension]") {
  door d;
  auto t = aio::create_task([&]() -> aio::coro<> { co_await d; });
  co_await aio::sleep(0s);
  d.open();
  t.cancel();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}

AIO_TEST("suspension: a wake-up after the request finds nobody in the line",
         "[coro][suspension]") {
  door d;
  auto first = aio::create_task([&]() -> aio::coro<> { co_await d; });
  auto second = aio::create_task([&]() -> aio::coro<> { co_await d; });
  co_await aio::sleep(0s);
  first.cancel();
  d.open();
  co_await second;
  CHECK(first.cancelled());
}

AIO_TEST("suspension: a further request is not passed on to what was called off",
         "[coro][suspension]") {
  door d;
  auto t = aio::create_task([&]() -> aio::coro<> {
    try {
      co_await d;
    } catch (const aio::cancelled_error&) {
    }
    co_await aio::sleep(1s);
  });
  co_await aio::sleep(0s);
  t.cancel();
  t.cancel();
  CHECK(d.asked == 1);
  co_await t;
  CHECK(t.cancelling() == 2);
}

AIO_TEST("suspension: what refuses to let go raises when it is over",
         "[coro][suspension]") {
  door d(false);
  auto t = aio::create_task([&]() -> aio::coro<> { co_await d; });
  co_await aio::sleep(0s);
  t.cancel();
  co_await test::turns(3);
  CHECK_FALSE(t.done());
  d.open();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}

AIO_TEST("suspension: a request from before is taken at the park",
         "[coro][suspension]") {
  door d;
  std::string log;
  auto t = aio::create_task([&]() -> aio::coro<> {
    aio::current_task().cancel();
    try {
      co_await d;
    } catch (const aio::cancelled_error&) {
      log = "cancelled";
    }
    co_await aio::sleep(1s);  // the request is used up
    log += " once";
  });
  co_await t;
  CHECK(log == "cancelled once");
  CHECK(d.is_empty());
  CHECK(d.asked == 1);
}

AIO_TEST("suspension: a request from before stays with what refuses to let go",
         "[coro][suspension]") {
  door d(false);
  auto t = aio::create_task([&]() -> aio::coro<> {
    aio::current_task().cancel();
    co_await d;
  });
  co_await aio::sleep(0s);
  CHECK(d.asked == 1);
  d.open();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}

TEST_CASE("suspension: a frame that is destroyed leaves the line",
          "[coro][suspension]") {
  door d;
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto body = [&]() -> aio::coro<> { co_await d; };
  auto waiting = test::start(loop, body());
  auto woken = test::start(loop, body());
  loop.turn();
  d.open();
  loop.core().close();
  CHECK(d.is_empty());
  CHECK(waiting.cancelled());
  CHECK(woken.cancelled());
}
