// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "redis_server.hpp"

#include <chat/redis/redis_relay.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace redis = chat::redis;
using namespace std::chrono_literals;

namespace {

chat::redis_options quick() {
  chat::redis_options made;
  made.ping = 500ms;
  made.first_retry = 5ms;
  made.last_retry = 50ms;
  made.heartbeat = 100ms;
  made.silence = 2s;
  return made;
}

/// A relay, and what it has told.
class process final : public chat::relay_listener {
 public:
  explicit process(const std::string& url, chat::redis_options options = quick())
      : relay(chat::make_redis_relay(url, options)) {}

  void on_message(const chat::message& said) override {
    if (!heard.empty() && said.id <= last) is_growing = false;
    last = said.id;
    heard.push_back(said.text);
  }
  void on_arrival(const std::string& room, const std::string& name) override {
    people.insert(room + "/" + name);
  }
  void on_departure(const std::string& room, const std::string& name) override {
    const auto found = people.find(room + "/" + name);
    is_sound = is_sound && found != people.end();
    if (found != people.end()) people.erase(found);
  }

  bool say(std::string text) {
    chat::message said;
    said.room = "room";
    said.name = "name";
    said.text = std::move(text);
    return relay->say(std::move(said));
  }

  std::string others() const {
    std::string all;
    for (const std::string& one : people) all += (all.empty() ? "" : " ") + one;
    return all;
  }

  std::unique_ptr<chat::relay> relay;
  std::vector<std::string> heard;
  chat::message_id last;
  bool is_growing = true;
  bool is_sound = true;
  std::multiset<std::string> people;
};

using processes = std::vector<std::unique_ptr<process>>;

aio::coro<processes> start_three(std::string url,
                                 chat::redis_options options = quick()) {
  processes all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<process>(url, options));
    co_await all.back()->relay->start(*all.back());
  }
  co_return all;
}

constexpr std::size_t flow_size = 300;

/// `who` says "who-0", "who-1", ..., a few in each millisecond.
aio::coro<> speak(process& by, std::string who) {
  for (std::size_t i = 0; i < flow_size; ++i) {
    bool is_taken = by.say(who + "-" + std::to_string(i));
    while (!is_taken) {
      co_await aio::sleep(1ms);
      is_taken = by.say(who + "-" + std::to_string(i));
    }
    if (i % 3 == 0) co_await aio::sleep(1ms);
  }
  co_await by.relay->settle();
}

std::vector<aio::task<>> speak_all(const processes& all) {
  std::vector<aio::task<>> speakers;
  for (std::size_t i = 0; i < all.size(); ++i)
    speakers.push_back(aio::create_task(speak(*all[i], std::string(1, "abc"[i]))));
  return speakers;
}

/// All has come, once and in one order, in which each speaker's words are in his order.
aio::coro<> check_flow(std::vector<aio::task<>> speakers, const processes& all) {
  for (const aio::task<>& one : speakers) co_await one;
  const std::size_t total = flow_size * all.size();
  co_await test::eventually([&] {
    return std::all_of(all.begin(), all.end(),
                       [&](const auto& one) { return one->heard.size() >= total; });
  });
  co_await aio::sleep(20ms);  // for what should not come
  for (const auto& one : all) {
    CHECK(one->heard.size() == total);
    CHECK(one->heard == all.front()->heard);
    CHECK(one->is_growing);
  }
  std::vector<std::size_t> next(all.size(), 0);
  for (const std::string& text : all.front()->heard) {
    const auto who = static_cast<std::size_t>(text.front() - 'a');
    REQUIRE(who < next.size());
    CHECK(text == text.substr(0, 1) + "-" + std::to_string(next[who]++));
  }
}

aio::coro<> stop_all(const processes& all) {
  for (const auto& one : all) co_await one->relay->stop();
}

bool are_up(const processes& all) {
  return std::all_of(all.begin(), all.end(),
                     [](const auto& one) { return one->relay->state() == "up"; });
}

}  // namespace

REDIS_TEST("redis relay: three processes hear all in one order", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  const processes all = co_await start_three(server.url());
  CHECK(are_up(all));
  auto speakers = speak_all(all);
  co_await check_flow(std::move(speakers), all);
  co_await stop_all(all);
}

REDIS_TEST("redis relay: Redis is restarted while all speak", "[chat][redis]") {
  int signal = 0;
  SECTION("in good order") { signal = SIGTERM; }
  SECTION("suddenly") { signal = SIGKILL; }
  server.start();
  { const auto ready = co_await server.connect(); }
  const processes all = co_await start_three(server.url());
  auto speakers = speak_all(all);
  for (std::size_t restart = 1; restart <= 3; ++restart) {
    co_await test::eventually(
        [&] { return all[0]->heard.size() > restart * flow_size / 2; });
    { const auto ready = co_await server.connect(); }  // or it may miss the signal
    co_await server.stop(signal);
    server.start();
  }
  co_await check_flow(std::move(speakers), all);
  co_await stop_all(all);
}

REDIS_TEST("redis relay: its connections are cut again and again", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  const processes all = co_await start_three(server.url());
  auto speakers = speak_all(all);
  for (int i = 0; i < 40; ++i) {
    const char* const kind = i % 2 == 0 ? "normal" : "pubsub";
    co_await admin->call("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes");
    co_await aio::sleep(10ms);
  }
  co_await check_flow(std::move(speakers), all);
  co_await stop_all(all);
}

REDIS_TEST("redis relay: Redis hangs, and goes on", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  chat::redis_options options = quick();
  options.connect_limit = 500ms;
  const processes all = co_await start_three(server.url(), options);
  auto speakers = speak_all(all);
  co_await test::eventually([&] { return all[0]->heard.size() > 100; });
  server.kill(SIGSTOP);
  co_await test::eventually([&] {
    return std::all_of(all.begin(), all.end(),
                       [](const auto& one) { return one->relay->state() == "down"; });
  });
  server.kill(SIGCONT);
  co_await check_flow(std::move(speakers), all);
  co_await stop_all(all);
}

REDIS_TEST("redis relay: Redis comes back without its data", "[chat][redis]") {
  server.start();
  {
    // The old data is of the year 2255: the clock seems to run backwards.
    const auto admin = co_await server.connect();
    co_await admin->call("XADD", "chat:messages", "9000000000000-5", "from", "old",
                         "number", "1", "room", "r", "name", "n", "text", "old");
  }
  const processes all = co_await start_three(server.url());
  for (const auto& one : all) CHECK(one->heard == std::vector<std::string>{"old"});
  all[0]->say("before");
  co_await test::eventually([&] { return all[2]->heard.size() == 2; });
  co_await test::eventually([&] { return all[1]->heard.size() == 2; });
  co_await server.stop(SIGKILL);
  server.lose_data();
  co_await test::eventually([&] { return all[0]->relay->state() == "down"; });
  for (const auto& one : all) one->heard.clear();
  all[0]->say("while it was away");
  auto speakers = speak_all(all);
  server.start();
  for (const aio::task<>& one : speakers) co_await one;
  const std::size_t total = 3 * flow_size + 1;
  co_await test::eventually([&] {
    return std::all_of(all.begin(), all.end(),
                       [&](const auto& one) { return one->heard.size() == total; });
  });
  for (const auto& one : all) {
    CHECK(one->heard == all[0]->heard);
    CHECK(one->is_growing);
  }
  co_await stop_all(all);
}

REDIS_TEST("redis relay: a part of the data is lost", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  chat::redis_options options = quick();
  options.history = 2;
  const auto add = [&](const char* id, const char* from, const char* number) {
    return admin->call("XADD", "chat:messages", id, "from", from, "number", number,
                       "room", "r", "name", "n", "text", number);
  };
  co_await add("1-1", "forgotten", "1");  // is no part of the history
  co_await add("1-2", "old", "2");
  co_await add("1-3", "old", "3");
  process one(server.url(), options);
  co_await one.relay->start(one);
  CHECK(one.heard == std::vector<std::string>{"2", "3"});
  co_await add("9000000000000-4", "old", "4");
  co_await admin->call("PUBLISH", "chat:wake:0", "");
  co_await test::eventually([&] { return one.heard.size() == 3; });
  // As if the last one had not been on the disk, and another one came after that.
  co_await admin->call("DEL", "chat:messages");
  co_await add("1-1", "forgotten", "1");
  co_await add("1-2", "old", "2");
  co_await add("1-3", "old", "3");
  co_await add("1-4", "old", "5");
  co_await admin->call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  co_await test::eventually([&] { return one.heard.size() >= 4; });
  one.say("mine");
  co_await one.relay->settle();
  CHECK(one.heard == std::vector<std::string>{"2", "3", "4", "5", "mine"});
  CHECK(one.is_growing);
  co_await one.relay->stop();
}

REDIS_TEST("redis relay: the stream is deleted while all speak", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  const processes all = co_await start_three(server.url());
  const auto speakers = speak_all(all);
  for (int i = 0; i < 20; ++i) {
    co_await admin->call("DEL", "chat:messages");
    co_await aio::sleep(5ms);
  }
  // Nobody can promise more than that it goes on, and that what was taken goes out.
  for (const aio::task<>& one : speakers) co_await one;
  for (const auto& one : all) {
    CHECK(one->is_growing);
    one->heard.clear();
  }
  all[0]->say("after");
  for (const auto& one : all)
    co_await test::eventually(
        [&] { return !one->heard.empty() && one->heard.back() == "after"; });
  co_await stop_all(all);
}

REDIS_TEST("redis relay: a chat comes up without Redis", "[chat][redis]") {
  chat::redis_options options = quick();
  options.outbox = 3;
  process one(server.url(), options);
  co_await one.relay->start(one);
  CHECK(one.relay->state() == "down");
  CHECK(one.say("1"));
  CHECK(one.say("2"));
  CHECK(one.say("3"));
  CHECK_FALSE(one.say("too much"));
  server.start();
  co_await one.relay->settle();
  CHECK(one.relay->state() == "up");
  CHECK(one.heard == std::vector<std::string>{"1", "2", "3"});
  CHECK(one.say("4"));
  co_await one.relay->settle();
  co_await one.relay->stop();
  CHECK_FALSE(one.say("too late"));
  CHECK(one.relay->state() == "down");
}

REDIS_TEST("redis relay: start() waits no longer than its limit", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  server.kill(SIGSTOP);
  chat::redis_options options = quick();
  options.connect_limit = 100ms;
  process one(server.url(), options);
  co_await one.relay->start(one);
  CHECK(one.relay->state() == "down");
  one.say("hello");
  auto waits = aio::create_task(test::ending(one.relay->settle()));
  co_await test::turns(2);
  co_await one.relay->stop();
  const std::string how = co_await waits;
  CHECK(how == "the relay was stopped while messages waited");
  server.kill(SIGCONT);
}

REDIS_TEST("redis relay: what cannot work is an error at the start", "[chat][redis]") {
  CHECK_THROWS_AS(chat::make_redis_relay("rediss://h"), std::invalid_argument);
  chat::redis_options without = quick();
  without.prefix = "";
  CHECK_THROWS_AS(chat::make_redis_relay("redis://h", without), std::invalid_argument);
  chat::redis_options deaf = quick();
  deaf.silence = deaf.heartbeat;
  CHECK_THROWS_AS(chat::make_redis_relay("redis://h", deaf), std::invalid_argument);
  server.start({"--requirepass", "secret"});
  { const auto ready = co_await server.connect(":secret@"); }
  process wrong("redis+unix://:wrong@" + server.path());
  const std::string how = co_await test::ending(wrong.relay->start(wrong));
  CHECK(how.starts_with("WRONGPASS"));
  process database("redis+unix://:secret@" + server.path() + "?db=99");
  const std::string which = co_await test::ending(database.relay->start(database));
  CHECK(which.starts_with("ERR DB index"));
  co_await database.relay->stop();
  process good("redis+unix://:secret@" + server.path() + "?db=9");
  co_await good.relay->start(good);
  CHECK(good.relay->state() == "up");
  co_await good.relay->stop();
}

REDIS_TEST("redis relay: Redis refuses for a while", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  std::string refusal;
  SECTION("another type of key") { refusal = "type"; }
  SECTION("no memory") { refusal = "memory"; }
  SECTION("a replica") { refusal = "replica"; }
  SECTION("a new password") { refusal = "password"; }
  process one(server.url());
  co_await one.relay->start(one);
  co_await one.relay->stop();
  process two(server.url());
  co_await two.relay->start(two);
  if (refusal == "type") {
    co_await admin->call("DEL", "chat:messages");
    co_await admin->call("LPUSH", "chat:messages", "x");
  } else if (refusal == "memory") {
    co_await admin->call("CONFIG", "SET", "maxmemory", "1");
  } else if (refusal == "replica") {
    co_await admin->call("REPLICAOF", "127.0.0.1", "1");
  } else {
    co_await admin->call("CONFIG", "SET", "requirepass", "secret");
    co_await admin->call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  }
  two.say("kept");
  co_await test::eventually([&] { return two.relay->state() == "down"; });
  CHECK(two.heard.empty());
  if (refusal == "type") {
    co_await admin->call("DEL", "chat:messages");
  } else if (refusal == "memory") {
    co_await admin->call("CONFIG", "SET", "maxmemory", "0");
  } else if (refusal == "replica") {
    co_await admin->call("REPLICAOF", "NO", "ONE");
  } else {
    co_await admin->call("CONFIG", "SET", "requirepass", "");
  }
  co_await two.relay->settle();
  CHECK(two.heard == std::vector<std::string>{"kept"});
  co_await two.relay->stop();
}

REDIS_TEST("redis relay: entries and texts of somebody else", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  co_await admin->call("XADD", "chat:messages", "*", "hello", "world");
  process one(server.url());
  co_await one.relay->start(one);
  co_await admin->call("XADD", "chat:messages", "*", "from", "x", "number", "-1",
                       "room", "r", "name", "n", "text", "t");
  co_await admin->call("PUBLISH", "chat:presence:0", "nonsense");
  co_await admin->call("PUBLISH", "chat:wake:0", std::string(100'000, 'x'));
  one.say("good");
  co_await one.relay->settle();
  CHECK(one.heard == std::vector<std::string>{"good"});
  // Somebody speaks in our name.
  const redis::value entries =
      co_await admin->call("XREVRANGE", "chat:messages", "+", "-", "COUNT", "1");
  const redis::value::list& fields =
      *entries.several()->at(0).several()->at(1).several();
  std::string id;
  for (std::size_t i = 0; i < fields.size(); i += 2)
    if (*fields[i].text() == "from") id = *fields[i + 1].text();
  co_await admin->call("XADD", "chat:messages", "*", "from", id, "number", "1000",
                       "room", "r", "name", "n", "text", "forged");
  one.say("again");
  co_await one.relay->settle();
  CHECK(one.heard == std::vector<std::string>{"good", "again"});
  co_await one.relay->stop();
}

REDIS_TEST("redis relay: history, and nothing after the end", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  chat::redis_options options = quick();
  options.history = 5;
  options.page = 2;
  process one(server.url(), options);
  co_await one.relay->start(one);
  for (int i = 0; i < 9; ++i) one.say(std::to_string(i));
  co_await one.relay->settle();
  CHECK(one.heard.size() == 9);
  process two(server.url(), options);
  co_await two.relay->start(two);
  CHECK(two.heard == std::vector<std::string>{"4", "5", "6", "7", "8"});
  co_await two.relay->stop();
  one.say("after");
  co_await one.relay->settle();
  CHECK(two.heard.size() == 5);
  options.history = 0;
  process three(server.url(), options);
  co_await three.relay->start(three);
  one.say("at last");
  co_await test::eventually([&] { return !three.heard.empty(); });
  CHECK(three.heard == std::vector<std::string>{"at last"});
  co_await three.relay->stop();
  co_await one.relay->stop();
}

REDIS_TEST("redis relay: more was said than Redis keeps", "[chat][redis]") {
  server.start();
  const auto admin = co_await server.connect();
  chat::redis_options options = quick();
  options.keep = 100;
  process one(server.url(), options);
  co_await one.relay->start(one);
  for (int i = 0; i < 2000; ++i) one.say(std::to_string(i));
  co_await one.relay->settle();
  co_await one.relay->stop();
  const redis::value length = co_await admin->call("XLEN", "chat:messages");
  CHECK(*length.number() < 400);
}

REDIS_TEST("redis relay: who is there, in all processes", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  auto all = co_await start_three(server.url());
  all[0]->relay->arrive("r", "Ann");
  all[1]->relay->arrive("r", "Bob");
  co_await test::eventually([&] {
    return all[0]->others() == "r/Bob" && all[1]->others() == "r/Ann" &&
           all[2]->others() == "r/Ann r/Bob";
  });
  process late(server.url());
  co_await late.relay->start(late);
  co_await test::eventually([&] { return late.others() == "r/Ann r/Bob"; });
  SECTION("one goes") {
    all[0]->relay->depart("r", "Ann");
    co_await test::eventually([&] { return late.others() == "r/Bob"; });
  }
  SECTION("a process ends") {
    co_await all[0]->relay->stop();
    co_await test::eventually([&] { return late.others() == "r/Bob"; });
  }
  SECTION("a process dies") {
    all[0].reset();
    co_await test::eventually([&] { return late.others() == "r/Bob"; });
    all.erase(all.begin());
  }
  SECTION("Redis is restarted, and things happen meanwhile") {
    co_await server.stop(SIGTERM);
    co_await test::eventually([&] { return !are_up(all); });
    all[0]->relay->depart("r", "Ann");
    all[0]->relay->arrive("r", "Eve");
    server.start();
    co_await test::eventually([&] { return late.others() == "r/Bob r/Eve"; });
  }
  for (const auto& one : all) CHECK(one->is_sound);
  CHECK(late.is_sound);
  co_await stop_all(all);
  co_await late.relay->stop();
}

REDIS_TEST("redis relay: chats with different names do not meet", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  chat::redis_options other = quick();
  other.prefix = "other";
  process a(server.url());
  process b(server.url(), other);
  process c(server.url() + "?db=1");
  for (process* const one : {&a, &b, &c}) co_await one->relay->start(*one);
  for (process* const one : {&a, &b, &c}) {
    one->say("hello");
    one->relay->arrive("r", "Ann");
    co_await one->relay->settle();
  }
  co_await aio::sleep(300ms);  // for what should not come
  for (process* const one : {&a, &b, &c}) {
    CHECK(one->heard.size() == 1);
    CHECK(one->people.empty());
    co_await one->relay->stop();
  }
}

REDIS_TEST("redis relay: it can be dropped at any moment", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  for (int polls = 0; polls < 12; ++polls) {
    auto one = std::make_unique<process>(server.url());
    auto starting = aio::create_task(one->relay->start(*one));
    one->say("x");
    co_await test::polls(polls);
    one->relay.reset();
    starting.cancel();
    co_await test::ending(std::move(starting));
  }
}
