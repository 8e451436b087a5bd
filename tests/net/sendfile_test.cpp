// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/sendfile.hpp>

#include <support/net.hpp>
#include <support/protocols.hpp>
#include <support/raw_socket.hpp>
#include <support/streams.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// A file without a name that holds `content`.
class temporary_file {
 public:
  explicit temporary_file(std::string_view content) {
    char name[] = "/tmp/aio_sendfile_XXXXXX";
    fd_ = ::mkostemp(name, O_CLOEXEC);
    REQUIRE(fd_ >= 0);
    ::unlink(name);
    REQUIRE(::write(fd_, content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~temporary_file() { ::close(fd_); }

  int native_handle() const noexcept { return fd_; }
  off_t position() const { return ::lseek(fd_, 0, SEEK_CUR); }

 private:
  int fd_ = -1;
};

/// A file that the kernel cannot send: the end of a pipe.
struct piped_file {
  explicit piped_file(std::string_view content) {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::write(ends[1], content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
    ::close(ends[1]);
  }
  ~piped_file() { ::close(ends[0]); }
  int native_handle() const noexcept { return ends[0]; }
  int ends[2];
};

/// SIGPIPE ends the process while it lives, as it does by default.
class deadly_sigpipe {
 public:
  deadly_sigpipe() : former_(std::signal(SIGPIPE, SIG_DFL)) {}
  ~deadly_sigpipe() { std::signal(SIGPIPE, former_); }

 private:
  void (*former_)(int);
};

/// Everything that comes until the end.
aio::coro<std::string> all_of(aio::stream_reader reader) {
  co_return co_await reader.read();
}
aio::coro<std::string> all_of(aio::event_loop& loop, int fd) {
  std::string all;
  for (;;) {
    const std::string some = co_await loop.sock_recv(fd, 1 << 16);
    if (some.empty()) co_return all;
    all += some;
  }
}

}  // namespace

AIO_NET_TEST("sendfile: a large file arrives whole, behind what was written before",
             "[net][sendfile]") {
  const std::string content = test::pattern(3'000'000);
  const temporary_file file(content);
  auto link = co_await test::connect_streams(loop);
  const aio::stream_writer& writer = link.server.writer;
  const std::size_t before = test::fill(writer);
  auto reading = aio::create_task(all_of(std::move(link.client.reader)));
  const std::size_t sent = co_await loop.sendfile(writer.transport(), file);
  CHECK(sent == content.size());
  CHECK(file.position() == static_cast<off_t>(content.size()));
  writer.write("tail");
  writer.close();
  const std::string received = co_await reading;
  REQUIRE(received.size() == before + content.size() + 4);
  CHECK(received.substr(before, content.size()) == content);
  CHECK(received.ends_with("tail"));
}

AIO_NET_TEST("sendfile: part of a file", "[net][sendfile]") {
  const temporary_file file("0123456789");
  auto link = co_await test::connect_streams(loop);
  aio::transport& transport = link.server.writer.transport();
  const std::size_t some =
      co_await loop.sendfile(transport, file, {.offset = 2, .count = 3});
  CHECK(some == 3);
  CHECK(file.position() == 5);
  const std::size_t rest =
      co_await loop.sendfile(transport, file, {.offset = 8, .count = 100});
  CHECK(rest == 2);
  const std::size_t none = co_await loop.sendfile(transport, file, {.offset = 100});
  CHECK(none == 0);
  const std::string received = co_await link.client.reader.readexactly(5);
  CHECK(received == "23489");
}

AIO_NET_TEST("sendfile: nothing is read and nobody writes meanwhile",
             "[net][sendfile]") {
  const temporary_file file(test::pattern(8'000'000));
  auto link = co_await test::connect_streams(loop);
  aio::transport& transport = link.server.writer.transport();
  auto sending = aio::create_task(loop.sendfile(transport, file));
  co_await test::polls(3);
  REQUIRE_FALSE(sending.done());
  CHECK_FALSE(transport.is_reading());
  CHECK_THROWS_AS(transport.write("x"), aio::usage_error);
  const std::string second = co_await ending(loop.sendfile(transport, file));
  CHECK(second == "usage");
  sending.cancel();
  const std::string how = co_await ending(sending);
  CHECK(how == "cancelled");
  CHECK(transport.is_reading());
  CHECK(file.position() > 0);
  transport.write("x");
  link.client.writer.write("y");
  const std::string y = co_await link.server.reader.readexactly(1);
  CHECK(y == "y");
  transport.abort();
}

AIO_NET_TEST("sendfile: a connection that ends meanwhile is an error, no signal",
             "[net][sendfile]") {
  const deadly_sigpipe deadly;
  const temporary_file file(test::pattern(8'000'000));
  {
    auto link = co_await test::connect_streams(loop);
    auto sending =
        aio::create_task(ending(loop.sendfile(link.server.writer.transport(), file)));
    co_await test::polls(3);
    link.client.writer.transport().abort();
    const std::string how = co_await sending;
    CHECK_THAT(how, ContainsSubstring("sendfile: "));
  }
  auto link = co_await test::connect_streams(loop);
  aio::transport& transport = link.server.writer.transport();
  auto sending = aio::create_task(ending(loop.sendfile(transport, file)));
  co_await test::polls(3);
  transport.close();
  const std::string how = co_await sending;
  CHECK_THAT(how, ContainsSubstring("the connection is closed"));
  const std::string closing = co_await ending(loop.sendfile(transport, file));
  CHECK(closing == "usage");
}

AIO_NET_TEST("sendfile: what the kernel cannot send is read and written",
             "[net][sendfile]") {
  const std::string content = test::pattern(50'000);
  const piped_file file(content);
  auto link = co_await test::connect_streams(loop);
  aio::transport& transport = link.server.writer.transport();
  const std::string refused =
      co_await ending(loop.sendfile(transport, file, {.fallback = false}));
  CHECK(refused == "usage");
  const auto protocol = transport.get_protocol();
  const std::size_t sent = co_await loop.sendfile(transport, file);
  CHECK(sent == content.size());
  CHECK(transport.get_protocol() == protocol);
  CHECK(transport.is_reading());
  const std::string received = co_await link.client.reader.readexactly(content.size());
  CHECK(received == content);
}

AIO_NET_TEST("sendfile: written, it waits for room, and the protocol hears of it",
             "[net][sendfile]") {
  const std::string content = test::pattern(60'000);
  const piped_file file(content);
  auto link = co_await test::connect_protocols(loop);
  aio::transport transport = link.server->transport;
  link.client->transport.pause_reading();
  const std::string chunk(64 * 1024, 'c');
  std::size_t before = 0;
  while (link.server->log != "made pause") {
    transport.write(chunk);
    before += chunk.size();
  }
  auto sending = aio::create_task(loop.sendfile(transport, file));
  co_await test::polls(20);
  CHECK_FALSE(sending.done());
  link.client->transport.resume_reading();
  const std::size_t sent = co_await sending;
  CHECK(sent == content.size());
  co_await test::until([&] { return link.client->received.size() == before + sent; });
  CHECK(link.client->received.substr(before) == content);
  CHECK(link.server->log == "made pause resume");
  transport.close();
  co_await test::until([&] { return link.client->ended && link.server->ended; });
}

AIO_NET_TEST("sendfile: written to a connection that ends, it is an error",
             "[net][sendfile]") {
  const piped_file file(test::pattern(60'000));
  auto link = co_await test::connect_protocols(loop);
  aio::transport transport = link.server->transport;
  transport.set_write_buffer_limits(0);
  link.client->transport.pause_reading();
  const std::string chunk(64 * 1024, 'c');
  while (link.server->log != "made pause") transport.write(chunk);
  auto sending = aio::create_task(ending(loop.sendfile(transport, file)));
  co_await test::polls(20);
  transport.abort();
  const std::string how = co_await sending;
  CHECK_THAT(how, ContainsSubstring("the connection is closed"));
  CHECK(link.server->ended);
}

AIO_NET_TEST("sendfile: arguments are checked", "[net][sendfile]") {
  const temporary_file file("x");
  auto link = co_await test::connect_streams(loop);
  aio::transport& transport = link.server.writer.transport();
  const std::string offset =
      co_await ending(loop.sendfile(transport, file, {.offset = -1}));
  CHECK(offset == "sendfile: a negative offset");
  const std::string count =
      co_await ending(loop.sendfile(transport, file, {.count = 0}));
  CHECK(count == "sendfile: a count of 0");
}

AIO_NET_TEST("sock_sendfile: sends to a socket of one's own, in either way",
             "[net][sendfile]") {
  const std::string content = test::pattern(2'000'000);
  const temporary_file file(content);
  const piped_file piped("piped");
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) ==
          0);
  auto receiving = aio::create_task(all_of(loop, ends[1]));
  const std::size_t sent = co_await loop.sock_sendfile(ends[0], file);
  CHECK(sent == content.size());
  const std::string refused =
      co_await ending(loop.sock_sendfile(ends[0], piped, {.fallback = false}));
  CHECK(refused == "usage");
  const std::size_t by_reading = co_await loop.sock_sendfile(ends[0], piped);
  CHECK(by_reading == 5);
  ::close(ends[0]);
  const std::string received = co_await receiving;
  CHECK(received == content + "piped");
  ::close(ends[1]);
}

AIO_NET_TEST("sock_sendfile: to a peer that is gone it is an error, not a signal",
             "[net][sendfile]") {
  const deadly_sigpipe deadly;
  const temporary_file file("x");
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) ==
          0);
  ::close(ends[1]);
  const std::string how = co_await ending(loop.sock_sendfile(ends[0], file));
  CHECK_THAT(how, ContainsSubstring("sendfile: Broken pipe"));
  ::close(ends[0]);
  const test::raw_socket datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const std::string type = co_await ending(loop.sock_sendfile(datagrams.fd(), file));
  CHECK_THAT(type, ContainsSubstring("a stream socket is needed"));
}
