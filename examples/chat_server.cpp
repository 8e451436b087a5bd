// chat_server: what one client says, all others hear. The first line that a client
// sends is its name; until then it goes by its address. Try it with chat_client or nc:
//
//   $ chat_server [HOST] [PORT]
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "support/program.hpp"

using namespace std::chrono_literals;

class chat_room {
 public:
  // The handler of a connection.
  aio::coro<> join(aio::stream_reader reader, aio::stream_writer writer) {
    member me(*this, std::move(writer));
    me.tell("Welcome! What is your name?\n");
    try {
      for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) break;
        me.hear(printable(line));
        co_await aio::sleep(0s);  // who says a lot does not keep the others waiting
      }
    } catch (const boost::system::system_error&) {
      // The client has vanished.
    } catch (const std::invalid_argument&) {
      me.tell("That line is too long. Goodbye.\n");
    }
  }

 private:
  // Nobody waits for those who do not read: they are dropped when this much waits for
  // them, besides what the kernel holds.
  static constexpr std::size_t max_unread = 1024 * 1024;
  static constexpr std::size_t max_name = 32;

  // A client in the room, from its connection to its end, whatever ends it.
  class member {
   public:
    member(chat_room& room, aio::stream_writer writer)
        : room_(room),
          writer_(std::move(writer)),
          name_(to_string(writer_.peername())) {
      place_ = room_.members_.insert(room_.members_.end(), this);
    }
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() {
      room_.members_.erase(place_);
      if (has_name_) room_.tell_all_but(*this, fmt::format("* {} has left\n", name_));
    }

    void hear(std::string line) {
      if (has_name_) {
        if (line.empty()) return;
        room_.tell_all_but(*this, fmt::format("{}: {}\n", name_, line));
      } else {
        has_name_ = true;
        if (!line.empty()) name_ = line.substr(0, max_name);
        room_.tell_all_but(*this, fmt::format("* {} has joined\n", name_));
      }
    }

    void tell(std::string_view text) {
      if (writer_.is_closing()) return;
      writer_.write(text);
      if (writer_.is_closing()) return;
      if (writer_.transport().get_write_buffer_size() > max_unread) {
        writer_.transport().abort();
      }
    }

   private:
    chat_room& room_;
    aio::stream_writer writer_;
    std::string name_;
    bool has_name_ = false;
    std::list<member*>::iterator place_;
  };

  void tell_all_but(const member& speaker, const std::string& text) {
    for (member* one : members_) {
      if (one != &speaker) one->tell(text);
    }
  }

  // Without the end of the line, and what could upset a terminal.
  static std::string printable(std::string line) {
    std::erase_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return line;
  }

  std::list<member*> members_;
};

aio::coro<int> serve(chat_room& room, support::address at) {
  auto join = [&room](aio::stream_reader reader, aio::stream_writer writer) {
    return room.join(std::move(reader), std::move(writer));
  };
  aio::server server = co_await aio::start_server(join, at.host, at.port);
  co_return co_await support::serve_until_signal(server);
}

int main(int argc, char** argv) {
  const auto at = support::parse_address(argc, argv);
  chat_room room;
  return support::run("chat_server", serve(room, at));
}
