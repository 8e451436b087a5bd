// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The parts of a chat on Redis that know no connection.

#include <chat/redis/address.hpp>
#include <chat/redis/outbox.hpp>
#include <chat/redis/presence.hpp>
#include <chat/redis/senders.hpp>
#include <chat/redis/stream.hpp>

#include <chat/log.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace redis = chat::redis;
using namespace std::chrono_literals;

// ----- URLs -----

TEST_CASE("redis address: what a URL says", "[chat][redis]") {
  struct row {
    std::string url;
    redis::address means;
  };
  const auto tcp = [](std::string host, std::uint16_t port, int database) {
    redis::address a;
    a.host = std::move(host);
    a.port = port;
    a.database = database;
    return a;
  };
  const auto unix_socket = [](std::string path, int database) {
    redis::address a;
    a.path = std::move(path);
    a.database = database;
    return a;
  };
  const auto with_login = [](redis::address a, std::string user, std::string password) {
    a.user = std::move(user);
    a.password = std::move(password);
    return a;
  };
  const std::vector<row> rows = {
      {"redis://", tcp("127.0.0.1", 6379, 0)},
      {"redis:///3", tcp("127.0.0.1", 6379, 3)},
      {"redis://example.org", tcp("example.org", 6379, 0)},
      {"redis://example.org/", tcp("example.org", 6379, 0)},
      {"redis://example.org:", tcp("example.org", 6379, 0)},
      {"redis://example.org:7000/15", tcp("example.org", 7000, 15)},
      {"REDIS://10.0.0.1:1", tcp("10.0.0.1", 1, 0)},
      {"redis://[::1]:7000", tcp("::1", 7000, 0)},
      {"redis://:secret@h/1", with_login(tcp("h", 6379, 1), "", "secret")},
      {"redis://ann:p%40ss%3A@h", with_login(tcp("h", 6379, 0), "ann", "p@ss:")},
      {"redis+unix:///run/redis.sock", unix_socket("/run/redis.sock", 0)},
      {"unix:///run/redis.sock", unix_socket("/run/redis.sock", 0)},
      {"redis+unix:///run/a%20b.sock?db=4", unix_socket("/run/a b.sock", 4)},
      {"redis+unix://:pw@/r.sock", with_login(unix_socket("/r.sock", 0), "", "pw")},
  };
  for (const row& one : rows) {
    CAPTURE(one.url);
    CHECK(redis::parse_address(one.url) == one.means);
  }
}

TEST_CASE("redis address: what is refused, without its password", "[chat][redis]") {
  const std::vector<std::string> refused = {
      "",
      "localhost",
      "localhost:6379",
      "redis:",
      "redis:localhost",
      "http://:secret@h",
      "rediss://:secret@h",
      "redis://secret@h",
      "redis://ann:@h",
      "redis://:secret@h:0",
      "redis://:secret@h:65536",
      "redis://:secret@h:port",
      "redis://:secret@h/one",
      "redis://:secret@h/-1",
      "redis://:secret@h/1/2",
      "redis://:secret@h/99999999999",
      "redis://:secret@h?db=1",
      "redis://:secret@h/1#x",
      "redis://:sec ret@h",
      "redis+unix://",
      "redis+unix:///",
      "redis+unix://:secret@host/path",
      "redis+unix://:secret@/path?db=x",
      "redis+unix://:secret@/path?db",
      "redis+unix://:secret@/path?other=1",
      "redis+unix:///%00",
      "redis+unix:///" + std::string(107, 'x'),
  };
  for (const std::string& one : refused) {
    CAPTURE(one);
    std::string why;
    try {
      redis::parse_address(one);
    } catch (const std::invalid_argument& failure) {
      why = failure.what();
    }
    CHECK(why.starts_with("the URL of Redis: "));
    CHECK(why.find("secret") == std::string::npos);
  }
}

TEST_CASE("redis address: it is shown without its password", "[chat][redis]") {
  const auto shown = [](const std::string& url) {
    return to_string(redis::parse_address(url));
  };
  CHECK(shown("redis://ann:secret@h:1/2") == "redis://h:1/2");
  CHECK(shown("redis://[::1]") == "redis://[::1]:6379/0");
  CHECK(shown("redis+unix://:secret@/r.sock?db=1") == "redis+unix:///r.sock?db=1");
}

// ----- outbox -----

namespace {

chat::message saying(std::string text) {
  chat::message made;
  made.text = std::move(text);
  return made;
}

// What is sent now: "1a 2b".
std::string sent_by(redis::outbox& box) {
  std::string all;
  while (const auto* one = box.next()) {
    if (!all.empty()) all += ' ';
    all += std::to_string(one->number) + one->said.text;
  }
  return all;
}

}  // namespace

TEST_CASE("redis outbox: in order, until it has come back", "[chat][redis]") {
  redis::outbox box(3);
  CHECK(box.last_sent() == 0);
  CHECK(box.put(saying("a")));
  CHECK(box.put(saying("b")));
  CHECK(sent_by(box) == "1a 2b");
  CHECK(sent_by(box).empty());
  CHECK(box.last_sent() == 2);
  CHECK(box.put(saying("c")));
  CHECK_FALSE(box.put(saying("too much")));
  CHECK(box.take_back(1));
  CHECK(box.put(saying("d")));
  CHECK(sent_by(box) == "3c 4d");
  box.rewind();
  CHECK(box.last_sent() == 0);
  CHECK(sent_by(box) == "2b 3c 4d");
  CHECK(box.take_back(2));
  CHECK(box.take_back(2));  // again: it was sent twice
  CHECK(box.take_back(3));
  CHECK(box.take_back(4));
  CHECK(box.empty());
}

TEST_CASE("redis outbox: one comes back that was not known to be sent",
          "[chat][redis]") {
  redis::outbox box(3);
  box.put(saying("a"));
  box.put(saying("b"));
  sent_by(box);
  box.rewind();
  CHECK(box.take_back(1));
  CHECK(sent_by(box) == "2b");
}

TEST_CASE("redis outbox: what was overtaken goes again under a new number",
          "[chat][redis]") {
  redis::outbox box(9);
  for (const char* text : {"a", "b", "c", "d"}) box.put(saying(text));
  CHECK(sent_by(box) == "1a 2b 3c 4d");
  CHECK(box.holds_up_to(1));
  CHECK_FALSE(box.holds_up_to(0));
  CHECK(box.take_back(3));
  CHECK_FALSE(box.holds_up_to(3));
  CHECK(sent_by(box) == "5a 6b");
  CHECK(box.size() == 3);
}

TEST_CASE("redis outbox: numbers that it never gave", "[chat][redis]") {
  redis::outbox box(9);
  box.put(saying("a"));
  CHECK_FALSE(box.take_back(0));
  CHECK_FALSE(box.take_back(2));
  CHECK(box.size() == 1);
}

// ----- senders -----

TEST_CASE("redis senders: only what grows is new", "[chat][redis]") {
  redis::senders all;
  CHECK(all.is_new("a", 5));
  CHECK_FALSE(all.is_new("a", 5));
  CHECK_FALSE(all.is_new("a", 4));
  CHECK(all.is_new("b", 1));
  CHECK(all.is_new("a", 7));
}

TEST_CASE("redis senders: those silent for longest are forgotten", "[chat][redis]") {
  redis::senders all(2);
  CHECK(all.is_new("a", 1));
  CHECK(all.is_new("b", 1));
  CHECK_FALSE(all.is_new("a", 1));
  CHECK(all.is_new("c", 1));
  CHECK(all.size() == 2);
  CHECK_FALSE(all.is_new("a", 1));
  CHECK(all.is_new("b", 1));
}

// ----- stream -----

namespace {

redis::value text(std::string of) { return redis::value(std::move(of)); }

redis::value texts(const std::vector<std::string>& words) {
  redis::value::list made;
  for (const std::string& one : words) made.push_back(text(one));
  return redis::value(std::move(made));
}

redis::value list_of(std::vector<redis::value> several) {
  return redis::value(std::move(several));
}

}  // namespace

TEST_CASE("redis stream: entries", "[chat][redis]") {
  const auto read = redis::read_entries(list_of({
      list_of({text("1-2"), texts({"from", "p", "number", "7", "room", "r", "name", "n",
                                   "text", "t", "mark", "m", "more", "x"})}),
      list_of({text("1-3"), texts({"from", "p", "number", "8", "room", "r", "name", "n",
                                   "text", ""})}),
  }));
  REQUIRE(read.size() == 2);
  REQUIRE(read[0].holds);
  CHECK(read[0].id == chat::message_id{1, 2});
  CHECK(read[0].holds->from == "p");
  CHECK(read[0].holds->number == 7);
  CHECK(read[0].holds->said.room == "r");
  CHECK(read[0].holds->said.name == "n");
  CHECK(read[0].holds->said.text == "t");
  CHECK(read[0].holds->said.mark == "m");
  REQUIRE(read[1].holds);
  CHECK(read[1].holds->said.mark.empty());
}

TEST_CASE("redis stream: entries of others hold nothing", "[chat][redis]") {
  const std::vector<redis::value> strange = {
      texts({}),
      texts({"hello", "world"}),
      texts({"from", "p", "number", "1", "room", "r", "name", "n"}),
      texts({"from", "", "number", "1", "room", "r", "name", "n", "text", "t"}),
      texts({"from", std::string(65, 'x'), "number", "1", "room", "r", "name", "n",
             "text", "t"}),
      texts({"from", "p", "number", "0", "room", "r", "name", "n", "text", "t"}),
      texts({"from", "p", "number", "-1", "room", "r", "name", "n", "text", "t"}),
      texts({"from", "p", "number", "1x", "room", "r", "name", "n", "text", "t"}),
      texts({"from", "p", "number", "99999999999999999999", "room", "r", "name", "n",
             "text", "t"}),
      redis::value(),
  };
  for (const redis::value& one : strange) {
    const auto read = redis::read_entries(list_of({list_of({text("1-0"), one})}));
    REQUIRE(read.size() == 1);
    CHECK_FALSE(read[0].holds);
  }
}

TEST_CASE("redis stream: answers to other questions", "[chat][redis]") {
  CHECK(redis::read_news(redis::value()).empty());
  CHECK_THROWS_AS(redis::read_news(text("x")), redis::error);
  CHECK_THROWS_AS(redis::read_news(list_of({})), redis::error);
  CHECK_THROWS_AS(redis::read_entries(redis::value()), redis::error);
  CHECK_THROWS_AS(redis::read_entries(list_of({text("1-0")})), redis::error);
  CHECK_THROWS_AS(redis::read_entries(list_of({texts({"x", "y"})})), redis::error);
  const redis::value no_stream(redis::value::refusal{"ERR no such key"});
  CHECK(redis::read_state(no_stream).last == chat::message_id{});
  const redis::value wrong(redis::value::refusal{"WRONGTYPE it is a list"});
  CHECK_THROWS_AS(redis::read_state(wrong), redis::refused);
  const auto state = redis::read_state(
      list_of({text("length"), redis::value(std::int64_t{1}), text("last-generated-id"),
               text("9-1"), text("first-entry"), list_of({text("3-0"), texts({})})}));
  CHECK(state.last == chat::message_id{9, 1});
  CHECK(state.first == chat::message_id{3, 0});
  CHECK(redis::after({1, 2}) == chat::message_id{1, 3});
  CHECK(redis::after({1, UINT64_MAX}) == chat::message_id{2, 0});
}

// ----- presence -----

namespace {

struct quiet_log {
  quiet_log() { chat::set_log_level(chat::log_level::error); }
  ~quiet_log() { chat::set_log_level(chat::log_level::info); }
};

/// One process: its presence, and whom it knows to be elsewhere.
class process final : public chat::relay_listener {
 public:
  explicit process(const std::string& id) : says(id, 2) {
    says.tell(this);
    says.connected(aio::time_point());
  }

  void on_message(const chat::message&) override {}
  void on_arrival(const std::string& room, const std::string& name) override {
    people.insert(room + "/" + name);
  }
  void on_departure(const std::string& room, const std::string& name) override {
    const auto found = people.find(room + "/" + name);
    REQUIRE(found != people.end());
    people.erase(found);
  }

  std::string others() const {
    std::string all;
    for (const std::string& one : people) all += (all.empty() ? "" : " ") + one;
    return all;
  }

  redis::presence says;
  std::multiset<std::string> people;
};

/// Delivers to all what each of them says, until nobody says anything more.
void talk(const std::vector<process*>& all, aio::time_point now = {}) {
  int rounds = 0;
  for (bool is_over = false; !is_over;) {
    REQUIRE(++rounds < 20);
    is_over = true;
    for (process* const one : all) {
      for (const std::string& text : one->says.take_messages()) {
        is_over = false;
        for (process* const other : all) other->says.receive(text, now);
      }
    }
  }
}

}  // namespace

TEST_CASE("redis presence: all hear who comes and goes", "[chat][redis]") {
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann");
  talk({&a, &b});
  CHECK(b.others() == "r/Ann");
  CHECK(a.others().empty());
  b.says.arrive("r", "Bob");
  b.says.arrive("s", "Bob");
  b.says.arrive("s", "Ben");
  a.says.depart("r", "Ann");
  talk({&a, &b});
  CHECK(a.others() == "r/Bob s/Ben s/Bob");
  CHECK(b.others().empty());
  b.says.depart("s", "nobody");
  talk({&a, &b});
  CHECK(a.others() == "r/Bob s/Ben s/Bob");
}

TEST_CASE("redis presence: the same name twice", "[chat][redis]") {
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann");
  a.says.arrive("r", "Ann");
  talk({&a, &b});
  CHECK(b.others() == "r/Ann r/Ann");
  a.says.depart("r", "Ann");
  talk({&a, &b});
  CHECK(b.others() == "r/Ann");
}

TEST_CASE("redis presence: one that comes late learns of everybody, in parts",
          "[chat][redis]") {
  process a("a");
  process b("b");
  for (const char* name : {"1", "2", "3", "4", "5"}) a.says.arrive("r", name);
  talk({&a, &b});
  process c("c");
  c.says.arrive("r", "C");
  talk({&a, &b, &c});
  CHECK(c.others() == "r/1 r/2 r/3 r/4 r/5");
  CHECK(a.others() == "r/C");
  CHECK(b.others() == "r/1 r/2 r/3 r/4 r/5 r/C");
}

TEST_CASE("redis presence: who has missed a change asks", "[chat][redis]") {
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann");
  talk({&a, &b});
  a.says.arrive("r", "missed");
  a.says.depart("r", "Ann");
  CHECK(a.says.take_messages().size() == 1);
  SECTION("at the next change") { a.says.arrive("r", "next"); }
  SECTION("at the next heartbeat") {
    a.says.beat();
    a.says.arrive("r", "next");
    CHECK(a.says.take_messages().size() == 1);
    a.says.beat();
  }
  talk({&a, &b});
  CHECK(b.others() == "r/missed r/next");
}

TEST_CASE("redis presence: a lost question, and a lost part of the answer",
          "[chat][redis]") {
  process a("a");
  process b("b");
  for (const char* name : {"1", "2", "3", "4", "5"}) a.says.arrive("r", name);
  const auto parts = a.says.take_messages();
  REQUIRE(parts.size() == 4);  // a question, and a state of three parts
  b.says.receive(parts[1], {});
  b.says.receive(parts[3], {});
  CHECK(b.others().empty());
  b.says.take_messages();
  a.says.beat();
  b.says.beat();
  talk({&a, &b});
  CHECK(b.others() == "r/1 r/2 r/3 r/4 r/5");
}

TEST_CASE("redis presence: what happens while nobody can be reached", "[chat][redis]") {
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann");
  talk({&a, &b});
  a.says.disconnected();
  a.says.arrive("r", "new");
  a.says.depart("r", "Ann");
  a.says.connected({});
  SECTION("it is told then") {}
  SECTION("and if that is lost, at the next heartbeat") {
    a.says.take_messages();
    a.says.beat();
  }
  talk({&a, &b});
  CHECK(b.others() == "r/new");
}

TEST_CASE("redis presence: a goodbye, and a death", "[chat][redis]") {
  const quiet_log quiet;
  process a("a");
  process b("b");
  process c("c");
  a.says.arrive("r", "Ann");
  b.says.arrive("r", "Bob");
  talk({&a, &b, &c}, aio::time_point(10s));
  c.says.receive(a.says.goodbye(), aio::time_point(11s));
  CHECK(c.others() == "r/Bob");
  c.says.expire(aio::time_point(10s));
  CHECK(c.others() == "r/Bob");
  c.says.expire(aio::time_point(10s) + 1ns);
  CHECK(c.others().empty());
  c.says.receive(a.says.goodbye(), aio::time_point(12s));
}

TEST_CASE("redis presence: nobody is dead because Redis was", "[chat][redis]") {
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann");
  talk({&a, &b}, aio::time_point(10s));
  b.says.disconnected();
  b.says.connected(aio::time_point(100s));
  b.says.expire(aio::time_point(94s));
  CHECK(b.others() == "r/Ann");
}

TEST_CASE("redis presence: texts of somebody else", "[chat][redis]") {
  const quiet_log quiet;
  process a("a");
  process b("b");
  a.says.arrive("r", "Ann\xff\"");
  talk({&a, &b});
  for (const char* text :
       {"", "x", "[]", "{}", R"({"from":"x"})", R"({"from":1,"seq":1,"kind":"alive"})",
        R"({"from":"","seq":1,"kind":"alive"})",
        R"({"from":"x","seq":-1,"kind":"alive"})",
        R"({"from":"x","seq":1.5,"kind":"alive"})",
        R"({"from":"a","seq":3,"kind":"change"})",
        R"({"from":"a","seq":3,"kind":"change","people":[["+","r"]]})",
        R"({"from":"a","seq":3,"kind":"change","people":[1]})",
        R"({"from":"a","seq":3,"kind":"state","people":[]})",
        R"({"from":"a","seq":3,"kind":"state","part":5,"last":true,"people":[]})",
        R"({"from":"new","seq":3,"kind":"state","part":0,"last":"yes","people":[]})",
        R"({"from":"x","seq":3,"kind":"gone"})"}) {
    b.says.receive(text, {});
  }
  CHECK(b.others() == "r/Ann\xff\"");
}
