// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/completion.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <string>

namespace {

using aio::detail::intrusive_ptr;

class ending_thing final : public aio::detail::completion {
 public:
  ending_thing(aio::detail::loop_core& loop, int& alive)
      : completion(loop), alive_(alive) {}

  using completion::settle_value;
  std::string title() const override { return "thing"; }

 private:
  test::counted alive_;
};

/// A waiter that writes down what happens to it.
struct waiter final : aio::detail::ready_node {
  waiter(std::string& to, char of) noexcept : log(to), name(of) {}
  void run() override { log += name; }
  void discard() noexcept override {
    log += '-';
    log += name;
  }

  std::string& log;
  char name;
};

struct fixture {
  aio::testing::virtual_loop loop;
  int alive = 0;
  std::string log;
  intrusive_ptr<ending_thing> thing{new ending_thing(loop.core(), alive)};
};

}  // namespace

TEST_CASE_METHOD(fixture, "completion: runs those who wait in the order they came",
                 "[task][completion]") {
  waiter a(log, 'a'), b(log, 'b'), c(log, 'c'), d(log, 'd');
  thing->add_waiter(a);
  thing->on_done(b);
  thing->add_waiter(c);
  thing->settle_value();
  thing->on_done(d);
  CHECK(log.empty());
  loop.turn();
  CHECK(log == "abcd");
}

TEST_CASE_METHOD(fixture, "completion: who leaves is not told", "[task][completion]") {
  waiter a(log, 'a'), b(log, 'b'), c(log, 'c');
  for (waiter* one : {&a, &b, &c}) thing->on_done(*one);
  b.unlink();
  thing->settle_value();
  c.unlink();  // also from the ready queue
  loop.turn();
  CHECK(log == "a");
}

TEST_CASE_METHOD(fixture, "completion: lives until those of on_done() have run",
                 "[task][completion]") {
  waiter a(log, 'a'), b(log, 'b');
  thing->on_done(a);
  thing->settle_value();
  thing->on_done(b);
  thing = nullptr;
  CHECK(alive == 1);
  loop.turn();
  CHECK(log == "ab");
  CHECK(alive == 0);
}

TEST_CASE_METHOD(fixture, "completion: is not kept pending by those who wait",
                 "[task][completion]") {
  waiter a(log, 'a'), b(log, 'b');
  thing->on_done(a);
  thing->add_waiter(b);
  thing = nullptr;
  CHECK(alive == 0);
  CHECK(log == "-a-b");
}

TEST_CASE_METHOD(fixture, "completion: the only one of on_done() can take it over",
                 "[task][completion]") {
  struct taker final : aio::detail::ready_node {
    explicit taker(ending_thing& from) noexcept : of(from) {}
    void run() override { taken = of.claim(); }
    ending_thing& of;
    intrusive_ptr<aio::detail::completion> taken;
  };
  taker only(*thing);
  thing->on_done(only);
  thing->settle_value();
  thing = nullptr;
  loop.turn();
  REQUIRE(alive == 1);
  CHECK(only.taken->use_count() == 1);
  only.taken = nullptr;
  CHECK(alive == 0);
}

TEST_CASE_METHOD(fixture, "completion: whoever is told behind still finds it",
                 "[task][completion]") {
  struct taker final : aio::detail::ready_node {
    taker(ending_thing& from, std::string& to) noexcept : of(from), log(to) {}
    void run() override {
      log += std::to_string(of.use_count());
      const auto taken = of.claim();
      log += taken->done() ? 'd' : 'p';
    }
    ending_thing& of;
    std::string& log;
  };
  taker a(*thing, log), b(*thing, log);
  thing->on_done(a);
  thing->on_done(b);
  thing->settle_value();
  thing = nullptr;
  loop.turn();
  CHECK(log == "1d1d");
  CHECK(alive == 0);
}

TEST_CASE_METHOD(fixture, "completion: settled after the loop, it drops who waits",
                 "[task][completion]") {
  waiter a(log, 'a'), b(log, 'b');
  thing->on_done(a);
  thing->add_waiter(b);
  loop.core().close();
  CHECK(log.empty());
  thing->settle_value();
  CHECK(log == "-a-b");
  thing = nullptr;
  CHECK(alive == 0);
}

TEST_CASE_METHOD(fixture, "completion: reports an error that nobody took by its title",
                 "[task][completion]") {
  test::reports reports(loop);
  thing->set_error(std::make_exception_ptr(test::boom()));
  CHECK(thing->failed());
  thing = nullptr;
  REQUIRE(reports.count() == 1);
  CHECK(reports[0].source == "thing");
  CHECK(reports[0].message == "the exception of a thing was never retrieved");
  CHECK(reports.take() == "boom");

  intrusive_ptr<ending_thing> seen(new ending_thing(loop.core(), alive));
  seen->set_error(std::make_exception_ptr(test::boom()));
  seen->mark_retrieved();
  seen = nullptr;
  CHECK(reports.count() == 0);
}
