// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/sock_calls.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <aio/net/open_connection.hpp>

#include <boost/asio/ip/udp.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// A descriptor that does not block, closed at the end.
class owned_fd {
 public:
  explicit owned_fd(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~owned_fd() { close(); }

  static owned_fd make(int type) {
    return owned_fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  static owned_fd bound(int type) {
    owned_fd made = make(type);
    const aio::detail::socket_address any(aio::endpoint("127.0.0.1", 0));
    REQUIRE(::bind(made.get(), any.data(), any.size()) == 0);
    return made;
  }
  static std::pair<owned_fd, owned_fd> pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends) == 0);
    return {owned_fd(ends[0]), owned_fd(ends[1])};
  }

  int get() const noexcept { return fd_; }
  int native_handle() const noexcept { return fd_; }
  aio::endpoint name() const { return aio::detail::local_endpoint(fd_); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

aio::coro<std::size_t> receive_all(aio::event_loop& loop, int fd) {
  std::size_t total = 0;
  for (;;) {
    const std::string some = co_await loop.sock_recv(fd, 1 << 17);
    if (some.empty()) co_return total;
    total += some.size();
  }
}

}  // namespace

AIO_NET_TEST("sock_recv: yields what is there, or waits for it, nothing is the end",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  REQUIRE(::write(a.get(), "abcdef", 6) == 6);
  const std::string first = co_await loop.sock_recv(b, 4);
  CHECK(first == "abcd");
  const std::string second = co_await loop.sock_recv(b, 4);
  CHECK(second == "ef");
  auto later = aio::create_task(loop.sock_recv(b, 4));
  co_await test::polls(2);
  CHECK_FALSE(later.done());
  REQUIRE(::write(a.get(), "gh", 2) == 2);
  const std::string third = co_await later;
  CHECK(third == "gh");
  a.close();
  const std::string end = co_await loop.sock_recv(b, 4);
  CHECK(end.empty());
}

AIO_NET_TEST("sock_recv_into: fills room of char or std::byte", "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  co_await loop.sock_sendall(a, "wordbyte");
  std::array<char, 4> word;
  const std::size_t n = co_await loop.sock_recv_into(b, word);
  CHECK(std::string_view(word.data(), n) == "word");
  std::array<std::byte, 100> bytes;
  const std::size_t m = co_await loop.sock_recv_into(b, std::span(bytes));
  REQUIRE(m == 4);
  CHECK(bytes[0] == std::byte{'b'});
}

AIO_NET_TEST("sock_sendall: sends more than the kernel takes at once",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  auto receiving = aio::create_task(receive_all(loop, b.get()));
  const std::string much(3'000'000, 'm');
  co_await loop.sock_sendall(a, much);
  const std::array<std::byte, 3> bytes{};
  co_await loop.sock_sendall(a, std::span(bytes));
  co_await loop.sock_sendall(a, std::string_view());
  a.close();
  const std::size_t received = co_await receiving;
  CHECK(received == 3'000'003);
}

AIO_NET_TEST("sock_sendall: one may read from a socket to which another one writes",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  auto reading = aio::create_task(loop.sock_recv(a, 100));
  const std::string much(1'000'000, 'm');
  auto writing = aio::create_task(loop.sock_sendall(a, much));
  co_await test::polls(2);
  CHECK_FALSE(writing.done());
  co_await loop.sock_sendall(b, "answer");
  const std::string answer = co_await reading;
  CHECK(answer == "answer");
  auto receiving = aio::create_task(receive_all(loop, b.get()));
  co_await writing;
  a.close();
  const std::size_t received = co_await receiving;
  CHECK(received == much.size());
}

AIO_NET_TEST("sock_sendall: to a peer that is gone it is an error, not a signal",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  b.close();
  const std::string how = co_await ending(loop.sock_sendall(a, "x"));
  CHECK_THAT(how, ContainsSubstring("sock_sendall: Broken pipe"));
}

AIO_NET_TEST("sock_recv: cancelled it loses nothing, and the socket is free at once",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  auto reading = aio::create_task(ending(loop.sock_recv(b, 100)));
  co_await test::polls(1);
  const std::string busy = co_await ending(loop.sock_recv(b, 100));
  CHECK(busy == "usage");
  REQUIRE(::write(a.get(), "kept", 4) == 4);
  reading.cancel();  // the bytes have come meanwhile, and nobody has seen them
  const std::string how = co_await reading;
  CHECK(how == "cancelled");
  const std::string kept = co_await loop.sock_recv(b, 100);
  CHECK(kept == "kept");
  std::string called;
  loop.add_reader(b, [&] { called = "by then"; });
  REQUIRE(::write(a.get(), "x", 1) == 1);
  co_await test::until([&] { return !called.empty(); });
  CHECK(loop.remove_reader(b));
}

AIO_NET_TEST("sock_sendto, sock_recvfrom: datagrams and who sent them",
             "[net][sock_calls]") {
  const owned_fd a = owned_fd::bound(SOCK_DGRAM);
  const owned_fd b = owned_fd::bound(SOCK_DGRAM);
  auto receiving = aio::create_task(loop.sock_recvfrom(b, 100));
  co_await test::polls(1);
  const std::size_t sent = co_await loop.sock_sendto(a, "one", b.name());
  CHECK(sent == 3);
  const auto [bytes, from] = co_await receiving;
  CHECK(bytes == "one");
  CHECK(from == a.name());

  std::string room(8, '.');
  co_await loop.sock_sendto(a, "two, too long", b.name());
  const auto [size, again] = co_await loop.sock_recvfrom_into(b, room);
  CHECK(size == 8);
  CHECK(room == "two, too");
  CHECK(again == a.name());
  co_await loop.sock_sendto(a, "three", b.name());
  const auto [cut, unused] = co_await loop.sock_recvfrom_into(b, room, 2);
  CHECK(cut == 2);
  CHECK_THROWS_AS(loop.sock_recvfrom_into(b, room, 9), std::invalid_argument);

  const std::string large(60'000, 'l');
  co_await loop.sock_sendto(a, large, b.name());
  const auto [all, sender] = co_await loop.sock_recvfrom(b, 1 << 20);
  CHECK(all == large);
}

AIO_NET_TEST("sock_recv: a refused datagram is an error of the next call",
             "[net][sock_calls]") {
  const owned_fd a = owned_fd::bound(SOCK_DGRAM);
  const aio::endpoint nobody = owned_fd::bound(SOCK_DGRAM).name();
  co_await loop.sock_connect(a, nobody);
  co_await loop.sock_sendall(a, "x");
  const std::string how = co_await ending(loop.sock_recv(a, 100));
  CHECK_THAT(how, ContainsSubstring("refused"));
}

AIO_NET_TEST("sock_connect, sock_accept: connect to an endpoint or a host",
             "[net][sock_calls]") {
  const owned_fd listening = owned_fd::bound(SOCK_STREAM);
  REQUIRE(::listen(listening.get(), 8) == 0);
  auto accepting = aio::create_task(loop.sock_accept(listening));
  co_await test::polls(1);
  const owned_fd client = owned_fd::make(SOCK_STREAM);
  co_await loop.sock_connect(client, listening.name());
  const auto [first, peer] = co_await accepting;
  const owned_fd server(first);
  CHECK(peer == client.name());
  CHECK((::fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);

  const owned_fd other = owned_fd::make(SOCK_STREAM);
  co_await loop.sock_connect(other, "localhost", listening.name().port());
  const auto [second, other_peer] = co_await loop.sock_accept(listening);
  const owned_fd other_server(second);
  CHECK(other_peer == other.name());
}

AIO_NET_TEST("sock_connect: refused, it names the address", "[net][sock_calls]") {
  const std::uint16_t port = test::raw_socket::listening().port();
  const owned_fd client = owned_fd::make(SOCK_STREAM);
  const std::string how =
      co_await ending(loop.sock_connect(client, aio::endpoint("127.0.0.1", port)));
  CHECK_THAT(how, ContainsSubstring("cannot connect to 127.0.0.1:" +
                                    std::to_string(port) + ": Connection refused"));
}

AIO_NET_TEST("sock_connect: cancelled it leaves the socket to its owner",
             "[net][sock_calls]") {
  const test::silent_listener silent;
  const owned_fd client = owned_fd::make(SOCK_STREAM);
  auto connecting = aio::create_task(ending(
      loop.sock_connect(client, aio::endpoint("127.0.0.1", silent.listener.port()))));
  co_await test::polls(2);
  CHECK_FALSE(connecting.done());
  connecting.cancel();
  const std::string how = co_await connecting;
  CHECK(how == "cancelled");
  CHECK_FALSE(loop.remove_writer(client));
}

AIO_NET_TEST("sock_recv: in debug mode a blocking socket is refused",
             "[net][sock_calls]") {
  auto [a, b] = owned_fd::pair();
  REQUIRE(::fcntl(b.get(), F_SETFL, 0) == 0);
  loop.set_debug(true);
  const std::string how = co_await ending(loop.sock_recv(b, 1));
  loop.set_debug(false);
  CHECK(how == "the socket must be non-blocking");
}

AIO_NET_TEST("sock_recv: takes sockets of Asio", "[net][sock_calls]") {
  using boost::asio::ip::udp;
  udp::socket a(loop.io_context(),
                udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  co_await loop.sock_sendto(a, "self", aio::endpoint(a.local_endpoint()));
  const std::string self = co_await loop.sock_recv(a, 100);
  CHECK(self == "self");
}

AIO_NET_TEST("sock_recv, add_reader: what belongs to a transport is refused",
             "[net][sock_calls]") {
  auto listener = test::raw_socket::listening();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", listener.port());
  const int fd = writer.transport().native_handle();
  const std::string how = co_await ending(loop.sock_recv(fd, 1));
  CHECK(how == "usage");
  CHECK_THROWS_AS(loop.add_reader(fd, [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.add_writer(writer.transport(), [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.remove_reader(fd), aio::usage_error);
  CHECK_THROWS_AS(loop.remove_writer(fd), aio::usage_error);
  writer.write("still fine");
  CHECK(listener.accept().receive() == "still fine");
}
