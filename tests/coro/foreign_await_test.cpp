// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/foreign_await.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <coroutine>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;

namespace {

/// The threads of a test; joins them at its end.
class thread_pool {
 public:
  thread_pool() = default;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    for (std::thread& one : threads_) one.join();
  }

  template <class F>
  void run(F f) {
    threads_.emplace_back(std::move(f));
  }

 private:
  std::vector<std::thread> threads_;
};

/// An awaiter of another library, resumed on another thread.
template <class T>
struct on_thread {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) {
    pool->run([frame] { frame.resume(); });
  }
  T await_resume() const {
    if (fails) throw boom("foreign");
    if constexpr (!std::is_void_v<T>) return static_cast<T>(*value);
  }

  thread_pool* pool;
  std::remove_reference_t<std::conditional_t<std::is_void_v<T>, int, T>>* value =
      nullptr;
  bool fails = false;
};

/// Resumed by hand.
struct by_hand {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) const noexcept { *waiting = frame; }
  int await_resume() const noexcept { return 5; }

  std::coroutine_handle<>* waiting;
};

struct with_member {
  by_hand operator co_await() const noexcept { return {waiting}; }
  std::coroutine_handle<>* waiting;
};

struct with_free {
  std::coroutine_handle<>* waiting;
};
by_hand operator co_await(const with_free& of) noexcept { return {of.waiting}; }

/// Its await_suspend does not suspend.
struct never_suspends {
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return 6; }
};

}  // namespace

AIO_TEST("foreign_await: takes what a thread brings: values, references, nothing",
         "[coro][foreign]") {
  thread_pool pool;
  int n = 7;
  const int value = co_await on_thread<int>{&pool, &n};
  CHECK(value == 7);
  int& same = co_await on_thread<int&>{&pool, &n};
  CHECK(&same == &n);
  co_await on_thread<void>{&pool};
  CHECK(loop.core().foreign_operations == 0);
}

AIO_TEST("foreign_await: takes what can only be moved", "[coro][foreign]") {
  struct owner {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    std::unique_ptr<int> await_resume() const { return std::make_unique<int>(3); }
  };
  const std::unique_ptr<int> p = co_await owner();
  CHECK(*p == 3);
}

AIO_TEST("foreign_await: an exception comes out of the await", "[coro][foreign]") {
  thread_pool pool;
  on_thread<void> fails{&pool};
  fails.fails = true;
  const std::string how = co_await ending(fails);
  CHECK(how == "foreign");
}

AIO_TEST("foreign_await: goes on in its own thread, in its own task",
         "[coro][foreign]") {
  thread_pool pool;
  const auto here = std::this_thread::get_id();
  const aio::any_task me = aio::current_task();
  co_await on_thread<void>{&pool};
  CHECK(std::this_thread::get_id() == here);
  CHECK(aio::current_task() == me);
}

AIO_TEST("foreign_await: many at a time", "[coro][foreign]") {
  thread_pool pool;
  int n = 1;
  auto body = [&]() -> aio::coro<int> {
    int sum = 0;
    for (int i = 0; i < 20; ++i) {
      const int one = co_await on_thread<int>{&pool, &n};
      sum += one;
    }
    co_return sum;
  };
  std::vector<aio::task<int>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(aio::create_task(body));
  int sum = 0;
  for (auto& one : tasks) {
    const int part = co_await one;
    sum += part;
  }
  CHECK(sum == 160);
  CHECK(loop.now() == 0s);
}

AIO_TEST("foreign_await: virtual time stands still meanwhile", "[coro][foreign]") {
  thread_pool pool;
  auto sleeper = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); });
  co_await on_thread<void>{&pool};
  CHECK(loop.now() == 0s);
  CHECK_FALSE(sleeper.done());
}

AIO_TEST("foreign_await: finds operator co_await, member and free", "[coro][foreign]") {
  std::coroutine_handle<> waiting;
  auto resume_soon = [&] { test::call_soon(loop, [&] { waiting.resume(); }); };
  resume_soon();
  const int member = co_await with_member{&waiting};
  CHECK(member == 5);
  resume_soon();
  const int free = co_await with_free{&waiting};
  CHECK(free == 5);
  resume_soon();
  by_hand awaiter{&waiting};
  const int by_reference = co_await awaiter;
  CHECK(by_reference == 5);
}

AIO_TEST("foreign_await: one that is done at once gives way for a turn",
         "[coro][foreign]") {
  const test::turn_mark turn(loop);
  co_await std::suspend_never();
  CHECK(turn.is_over());
  const int n = co_await never_suspends();
  CHECK(n == 6);
}

AIO_TEST("foreign_await: cancelled, it raises when it has ended", "[coro][foreign]") {
  std::coroutine_handle<> waiting;
  auto t = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await by_hand{&waiting};
    co_return n;
  });
  co_await aio::sleep(0s);
  CHECK(t.cancel("why"));
  co_await test::turns(3);
  CHECK_FALSE(t.done());
  waiting.resume();
  CHECK_FALSE(t.done());
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: why");
  CHECK(loop.core().foreign_operations == 0);
}

AIO_TEST("foreign_await: a cancel that is taken back while it runs is forgotten",
         "[coro][foreign]") {
  std::coroutine_handle<> waiting;
  auto t = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await by_hand{&waiting};
    co_return n;
  });
  co_await aio::sleep(0s);
  t.cancel();
  t.uncancel();
  waiting.resume();
  const int n = co_await t;
  CHECK(n == 5);
}

TEST_CASE("foreign_await: one that ends after the loop is nobody's any more",
          "[coro][foreign]") {
  std::coroutine_handle<> waiting;
  {
    aio::testing::virtual_loop loop;
    test::reports reports(loop);
    auto body = [&]() -> aio::coro<> { co_await by_hand{&waiting}; };
    auto t = test::start(loop, body());
    loop.turn();
    CHECK(static_cast<bool>(waiting));
    loop.core().close();
    CHECK(t.cancelled());
  }
  waiting.resume();
}
