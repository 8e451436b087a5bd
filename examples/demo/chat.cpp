// SPDX-License-Identifier: BSL-1.0

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "parts.hpp"

using namespace std::chrono_literals;

namespace demo {
namespace {

// A chat server: what one says, the others hear. (For one that also stands those who do
// not read or say too much, see chat_server.cpp.)
class room {
 public:
  aio::coro<> join(aio::stream_reader reader, aio::stream_writer writer) {
    const auto me = writers_.insert(writers_.end(), writer);
    writer.write("welcome\n");
    for (;;) {
      const std::string line = co_await reader.readline();
      if (line.empty()) break;
      for (auto other = writers_.begin(); other != writers_.end(); ++other) {
        if (other != me) other->write(line);
      }
    }
    writers_.erase(me);
  }

 private:
  std::list<aio::stream_writer> writers_;
};

struct guest {
  std::string name;
  color shown_in;
  aio::stream_reader reader;
  aio::stream_writer writer;
};

aio::coro<std::string> hear(guest& one) {
  std::string line = co_await aio::wait_for(one.reader.readline(), 10s);
  co_return line;
}

aio::coro<guest> enter(std::string name, color shown_in, std::uint16_t port) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  guest one{std::move(name), shown_in, reader, writer};
  const std::string welcome = co_await hear(one);
  if (welcome != "welcome\n") throw std::runtime_error("no welcome for " + one.name);
  co_return one;
}

}  // namespace

aio::coro<> chat(screen& out) {
  out.heading(4, "A chat: a server and three clients, all in this thread");
  room chat_room;
  const auto join = [&](aio::stream_reader reader, aio::stream_writer writer) {
    return chat_room.join(std::move(reader), std::move(writer));
  };
  auto server = co_await aio::start_server(join, "127.0.0.1", 0);
  std::vector<guest> guests;
  for (const auto& [name, shown_in] :
       {std::pair("alice", color::cyan), std::pair("bob", color::yellow),
        std::pair("carol", color::green)}) {
    guest one = co_await enter(name, shown_in, server.port());
    guests.push_back(one);
  }

  const std::array<std::pair<std::size_t, const char*>, 5> conversation{{
      {0, "Is this thread blocked while you type?"},
      {1, "No, it waits for all of us at once."},
      {2, "And how many threads are we?"},
      {0, "One. Each of us is a coroutine."},
      {1, "Then there is room for ten thousand more."},
  }};
  for (const auto& [speaker, text] : conversation) {
    co_await out.pause(750ms);
    guest& who = guests[speaker];
    const std::string said = fmt::format("{}: {}\n", who.name, text);
    who.writer.write(said);
    std::string heard_by;
    for (guest& other : guests) {
      if (&other == &who) continue;
      const std::string heard = co_await hear(other);
      if (heard != said) throw std::runtime_error(other.name + " heard: " + heard);
      heard_by += (heard_by.empty() ? "" : ", ") + other.name;
    }
    out.line(fmt::format("  {} {:<44} {}",
                         out.colored(who.shown_in, fmt::format("{:>6}:", who.name)),
                         text, out.faint("heard by " + heard_by)));
  }
  // So that the handlers, which refer to the room, end before it does.
  server.close();
  guests.clear();
  co_await server.wait_closed();
  co_await aio::sleep(0s);
  co_await out.pause(1000ms);
}

}  // namespace demo
