// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace add_reader_writer {
using namespace conformance;

void send(int to, std::string_view bytes) {
  static_cast<void>(::send(to, bytes.data(), bytes.size(), 0));
}

std::string receive(int from) {
  std::array<char, 100> room;
  const auto n = ::recv(from, room.data(), room.size(), 0);
  return n < 0 ? "an error" : std::string(room.data(), static_cast<std::size_t>(n));
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) abort();
  const auto [a, b] = ends;
  aio::queue<std::string> news;

  auto readable = [&](const char* tag) {
    news.put_nowait(fmt::format("{} \"{}\"", tag, receive(ends[1])));
  };
  loop.add_reader(b, readable, "first");
  send(a, "one");
  std::string next = co_await news.get();
  print(next);
  send(a, "two");
  next = co_await news.get();
  print(next);

  // a new callback replaces the old one
  loop.add_reader(b, readable, "second");
  send(a, "three");
  next = co_await news.get();
  print(next);
  const bool removed = loop.remove_reader(b);
  print("removed", removed, "again", loop.remove_reader(b));
  send(a, "four");
  co_await aio::sleep(20ms);
  print("nothing is read after the removal:", news.qsize());
  loop.add_reader(b, readable, "third");
  next = co_await news.get();
  print(next);

  // what is not read is reported again and again
  int calls = 0;
  loop.add_reader(b, [&] {
    if (++calls == 3) news.put_nowait("lazy reads " + receive(ends[1]));
  });
  send(a, "five");
  next = co_await news.get();
  print(next);
  loop.remove_reader(b);

  // a writer is called as long as there is room
  int writes = 0;
  loop.add_writer(a, [&] {
    if (++writes == 3) {
      print("removed inside the callback", loop.remove_writer(ends[0]));
      news.put_nowait("three writes");
    }
  });
  next = co_await news.get();
  print(next);
  co_await aio::sleep(10ms);
  print("writes", writes, "removed again", loop.remove_writer(a));

  // end of file is readable
  loop.add_reader(b, readable, "eof:");
  ::close(a);
  next = co_await news.get();
  print(next);
  loop.remove_reader(b);
  ::close(b);
}

AIO_TWIN(add_reader_writer) { aio::run(amain()); }

}  // namespace add_reader_writer
