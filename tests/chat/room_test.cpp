// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/sleep.hpp>
#include <aio/testing/run_virtual.hpp>

#include <chat/allowance.hpp>
#include <chat/hub.hpp>
#include <chat/memory_relay.hpp>
#include <chat/room.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using chat::hub;
using chat::memory_relay;
using chat::message;
using chat::message_id;
using chat::room;

namespace {

/// Keeps what it hears, as lines; what comes in one turn ends with "|".
class listener final : public chat::member {
 public:
  explicit listener(std::string mark = "nobody") : mark_(std::move(mark)) {}

  void hear(const chat::news& of) noexcept override {
    heard += of.lines_for(*this) + "|";
  }
  bool has_said(std::string_view mark) const noexcept override {
    return mark.starts_with(mark_);
  }
  void dismiss() noexcept override { heard += "dismissed"; }

  std::string take() { return std::exchange(heard, {}); }

  std::string heard;

 private:
  std::string mark_;
};

message said(std::uint64_t id, std::string text, std::string mark = "") {
  return {{id, 0}, "tea", "anna", std::move(text), std::move(mark)};
}

std::string texts(const room::memory& of) {
  std::string all = of.has_gap ? "gap " : "";
  for (const message* one : of.messages) all += one->text + " ";
  return all;
}

void run(aio::coro<> test) { aio::testing::run_virtual(std::move(test)); }

}  // namespace

TEST_CASE("chat room: what comes in one turn is told at once", "[chat]") {
  run([]() -> aio::coro<> {
    chat::stats counts;
    room tea("tea", 10, counts);
    listener anna("a-");
    listener bert;
    tea.enter(anna);
    tea.enter(bert);
    tea.introduce(anna, "anna");
    tea.hear(said(1, "one", "a-1"));
    tea.hear(said(2, "two", "b-1"));
    co_await test::turns(3);
    CHECK(anna.take() == "anna: two\n|");  // not what she has said and done herself
    CHECK(bert.take() == "* anna has joined\nanna: one\nanna: two\n|");
    CHECK(counts.messages == 2);
    CHECK(counts.delivered == 4);

    tea.hear(said(3, "three"));
    listener late;
    tea.enter(late);
    CHECK(bert.take() == "anna: three\n|");
    tea.leave(anna);
    co_await test::turns(3);
    CHECK(late.take() == "* anna has left\n|");
    CHECK(anna.name().empty());
    tea.leave(bert);
    tea.leave(late);
    CHECK(tea.is_empty());
  }());
}

TEST_CASE("chat room: a mark is heard once, and for longer than the history",
          "[chat]") {
  run([]() -> aio::coro<> {
    chat::stats counts;
    room tea("tea", 3, counts);
    CHECK(tea.hear(said(1, "one", "m")));
    CHECK_FALSE(tea.hear(said(2, "one", "m")));
    CHECK(counts.repeated == 1);
    std::uint64_t id = 3;
    for (int i = 0; i < 100; ++i)
      tea.hear(said(id++, "x", "other" + std::to_string(i)));
    CHECK_FALSE(tea.hear(said(id++, "one", "m")));
    for (int i = 0; i < 2000; ++i)
      tea.hear(said(id++, "x", "more" + std::to_string(i)));
    CHECK(tea.hear(said(id++, "one", "m")));  // not for ever
    CHECK(tea.hear(said(id++, "unmarked")));
    CHECK(tea.hear(said(id++, "unmarked")));
    co_return;
  }());
}

TEST_CASE("chat room: the history, from where one has been", "[chat]") {
  run([]() -> aio::coro<> {
    chat::stats counts;
    room tea("tea", 3, counts);
    CHECK(texts(tea.recall({}, 10)) == "");
    CHECK(texts(tea.recall(message_id{5, 0}, 10)) == "");
    for (std::uint64_t i = 1; i <= 5; ++i) tea.hear(said(i, std::to_string(i)));
    CHECK(texts(tea.recall({}, 10)) == "3 4 5 ");
    CHECK(texts(tea.recall({}, 2)) == "4 5 ");
    CHECK(texts(tea.recall(message_id{3, 0}, 10)) == "4 5 ");
    CHECK(texts(tea.recall(message_id{5, 0}, 10)) == "");
    CHECK(texts(tea.recall(message_id{9, 0}, 10)) == "");
    CHECK(texts(tea.recall(message_id{2, 0}, 10)) == "3 4 5 ");
    CHECK(texts(tea.recall(message_id{1, 0}, 10)) == "gap 3 4 5 ");
    CHECK(texts(tea.recall(message_id{3, 0}, 1)) == "gap 5 ");
    co_return;
  }());
}

TEST_CASE("chat room: names are given once, also of people elsewhere", "[chat]") {
  run([]() -> aio::coro<> {
    chat::stats counts;
    room tea("tea", 3, counts);
    tea.arrive("anna");
    CHECK(tea.free_name("bert") == "bert");
    CHECK(tea.free_name("anna") == "anna (2)");
    tea.arrive("anna (2)");
    tea.arrive("anna");  // two processes at the same time
    CHECK(tea.people() == 3);
    CHECK(tea.names(10) == std::vector<std::string_view>{"anna", "anna", "anna (2)"});
    CHECK(tea.names(2).size() == 2);
    tea.depart("anna");
    CHECK(tea.free_name("anna") == "anna (3)");
    tea.depart("anna");
    tea.depart("nobody");
    CHECK(tea.people() == 1);
    CHECK(tea.free_name("anna") == "anna");
    for (int i = 2; i < 10; ++i) tea.arrive(tea.free_name("carl"));
    tea.arrive("carl (9)");
    CHECK(tea.free_name("carl").starts_with("carl ("));
    CHECK(tea.free_name("carl").size() > 8);
    co_return;
  }());
}

TEST_CASE("chat room: a crowd is told its number once a second", "[chat]") {
  run([]() -> aio::coro<> {
    chat::stats counts;
    room tea("tea", 3, counts);
    listener one;
    tea.enter(one);
    for (int i = 0; i < 200; ++i) tea.arrive("p" + std::to_string(i));
    co_await test::turns(3);
    CHECK_FALSE(one.take().empty());
    for (int i = 200; i < 300; ++i) tea.arrive("p" + std::to_string(i));
    co_await test::turns(3);
    CHECK(one.take() == "");
    co_await aio::sleep(1100ms);
    CHECK(one.take() == "|");  // a number, which lines are not told
    for (int i = 299; i >= 200; --i) tea.depart("p" + std::to_string(i));
    co_await test::turns(3);
    CHECK(one.take() == "");
    tea.depart("p1");
    co_await test::turns(3);
    CHECK(one.take() == "* p1 has left\n|");
    tea.leave(one);
  }());
}

TEST_CASE("chat hub: the oldest empty room makes place for another", "[chat]") {
  run([]() -> aio::coro<> {
    memory_relay relay;
    chat::options options;
    options.max_rooms = 2;
    hub all(relay, options);
    co_await relay.start(all);
    room* const tea = all.find("tea");
    CHECK(tea == all.find("tea"));
    CHECK(all.say({{}, "tea", "anna", "old", "1"}));
    CHECK(all.say({{}, "coffee", "anna", "newer", "2"}));
    CHECK(texts(all.find("coffee")->recall({}, 9)) == "newer ");
    all.find("milk");  // instead of tea
    CHECK(texts(all.find("coffee")->recall({}, 9)) == "newer ");
    listener one;
    listener two;
    all.find("coffee")->enter(one);
    all.find("milk")->enter(two);
    CHECK(all.find("tea") == nullptr);
    all.dismiss_all();
    CHECK(one.take() == "dismissed");
    CHECK(all.is_full());
    all.leave(*all.find("milk"), two);
    CHECK(all.find("tea") != nullptr);
    CHECK(texts(all.find("tea")->recall({}, 9)) == "");
    all.leave(*all.find("coffee"), one);
    co_await relay.stop();
    CHECK_FALSE(all.say({{}, "tea", "anna", "late", "3"}));
    CHECK(all.counts().refused == 1);
    CHECK(all.stats_line().find(" messages=2 ") != std::string::npos);
  }());
}

TEST_CASE("chat allowance: so many at once, and then at that rate", "[chat]") {
  chat::allowance some(2, 3);
  aio::time_point now{1h};
  for (int i = 0; i < 3; ++i) CHECK(some.take(now) == 0s);
  CHECK(some.take(now) == 500ms);
  CHECK(some.take(now) == 1s);
  now += 1s;
  CHECK(some.take(now) == 500ms);
  now += 1h;
  for (int i = 0; i < 3; ++i) CHECK(some.take(now) == 0s);
  CHECK(some.take(now) == 500ms);
  chat::allowance any(0, 1);
  for (int i = 0; i < 1000; ++i) CHECK(any.take(now) == 0s);
}

TEST_CASE("chat: ids are as in Redis", "[chat]") {
  CHECK(to_string(message_id{17, 2}) == "17-2");
  CHECK(chat::parse_id("17-2") == message_id{17, 2});
  CHECK(chat::parse_id("18446744073709551615-0")->time == UINT64_MAX);
  for (const std::string_view text :
       {"", "17", "17-", "-2", "17-2x", "x17-2", "17--2", "18446744073709551616-0"}) {
    CAPTURE(text);
    CHECK_FALSE(chat::parse_id(text));
  }
}
