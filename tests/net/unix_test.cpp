// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/unix.hpp>
#include <aio/task/wait.hpp>

#include <support/folder.hpp>
#include <support/net.hpp>
#include <support/protocols.hpp>
#include <support/streams.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using test::folder;
using test::recorder;

namespace {

bool exists(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0;
}

void write_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  ::close(fd);
}

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(4096);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

aio::coro<std::string> ask(std::string path, std::string question) {
  auto [reader, writer] = co_await aio::open_unix_connection(path);
  writer.write(question);
  writer.write_eof();
  std::string answer = co_await reader.read();
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}

aio::coro<> end(aio::server server) {
  server.close();
  co_await server.wait_closed();
}

/// The error that connecting to `path` brings.
aio::coro<boost::system::error_code> failure_of(std::string path) {
  try {
    co_await aio::open_unix_connection(path);
  } catch (const boost::system::system_error& error) {
    co_return error.code();
  }
  co_return boost::system::error_code();
}

/// The text of the error that listening on `path` brings.
aio::coro<std::string> refusal_of(std::string path) {
  try {
    co_await aio::start_unix_server(echo, path);
  } catch (const boost::system::system_error& error) {
    co_return error.what();
  }
  co_return std::string();
}

}  // namespace

AIO_NET_TEST("unix: streams both ways, and their addresses", "[net][unix]") {
  const folder at;
  const std::string path = at / "s";
  const aio::server server = co_await aio::start_unix_server(echo, path);
  CHECK(exists(path));
  REQUIRE(server.endpoints().size() == 1);
  CHECK(server.endpoints()[0] == aio::endpoint::unix_path(path));
  CHECK(server.port() == 0);

  auto [reader, writer] = co_await aio::open_unix_connection(path);
  CHECK(to_string(writer.peername()) == path);
  CHECK(writer.sockname() == aio::endpoint::unix_path(""));
  const std::string much = test::pattern(1'000'000);
  writer.write(much);
  writer.write_eof();
  const std::string back = co_await reader.read();
  CHECK(back == much);
  writer.close();
  co_await writer.wait_closed();
  co_await end(server);
  CHECK_FALSE(exists(path));
  const auto error = co_await failure_of(path);
  CHECK(error == boost::system::errc::no_such_file_or_directory);
}

AIO_NET_TEST("unix: protocols on both sides", "[net][unix]") {
  const folder at;
  auto served = std::make_shared<recorder>();
  auto client = std::make_shared<recorder>();
  const aio::server server =
      co_await loop.create_unix_server([&] { return served; }, at / "s");
  auto [transport, same] =
      co_await loop.create_unix_connection([&] { return client; }, at / "s");
  CHECK(same == client);
  CHECK(transport.peername().path() == at / "s");
  transport.write("word");
  transport.write_eof();
  auto over = test::until([&] { return client->ended && served->ended; });
  co_await std::move(over);
  CHECK(served->received == "word");
  CHECK(client->log == "made eof lost");
  CHECK(served->log == "made data eof lost");
  co_await end(server);
}

AIO_NET_TEST("unix: an abstract name leaves no file", "[net][unix]") {
  const std::string name("\0aio_unix_test", 14);
  const aio::server server = co_await aio::start_unix_server(echo, name);
  CHECK(to_string(server.endpoints()[0]) == "@aio_unix_test");
  const std::string answer = co_await ask(name, "hello");
  CHECK(answer == "hello");
  const std::string refusal = co_await refusal_of(name);
  CHECK_THAT(refusal, ContainsSubstring("cannot bind to @aio_unix_test"));
  co_await end(server);
  const auto error = co_await failure_of(name);
  CHECK(error == boost::system::errc::connection_refused);
}

AIO_NET_TEST("unix: a stale socket is replaced", "[net][unix]") {
  const folder at;
  const aio::server first = co_await aio::start_unix_server(
      echo, at / "s", aio::server_options{.cleanup_socket = false});
  co_await end(first);
  CHECK(exists(at / "s"));
  const auto error = co_await failure_of(at / "s");
  CHECK(error == boost::system::errc::connection_refused);
  const aio::server second = co_await aio::start_unix_server(echo, at / "s");
  const std::string answer = co_await ask(at / "s", "again");
  CHECK(answer == "again");
  co_await end(second);
  CHECK_FALSE(exists(at / "s"));
}

AIO_NET_TEST("unix: a file of another kind is left alone", "[net][unix]") {
  const folder at;
  write_file(at / "f");
  const std::string refusal = co_await refusal_of(at / "f");
  CHECK_THAT(refusal, ContainsSubstring("cannot bind to " + at / "f"));
  CHECK(exists(at / "f"));
  const auto error = co_await failure_of(at / "f");
  CHECK(error == boost::system::errc::connection_refused);
  ::unlink((at / "f").c_str());
}

AIO_NET_TEST("unix: a file that took the socket's place stays", "[net][unix]") {
  const folder at;
  const aio::server server = co_await aio::start_unix_server(echo, at / "s");
  // The new one exists while the old one does, or it might get its number.
  write_file(at / "f");
  ::rename((at / "f").c_str(), (at / "s").c_str());
  co_await end(server);
  CHECK(exists(at / "s"));
  ::unlink((at / "s").c_str());
  const aio::server gone = co_await aio::start_unix_server(echo, at / "s");
  ::unlink((at / "s").c_str());
  co_await end(gone);
}

AIO_NET_TEST("unix: a path that is too long is an error", "[net][unix]") {
  const std::string path = "/tmp/" + std::string(200, 'x');
  const std::string refusal = co_await refusal_of(path);
  CHECK_THAT(refusal, ContainsSubstring("File name too long"));
  const auto error = co_await failure_of(path);
  CHECK(error == boost::system::errc::filename_too_long);
}

AIO_NET_TEST("unix: who finds the line full gets in later", "[net][unix]") {
  const folder at;
  const aio::server server = co_await aio::start_unix_server(
      echo, at / "s", aio::server_options{.backlog = 1, .start_serving = false});
  // Listens, but does not accept.
  const int socket = server.native_handles().at(0);
  REQUIRE(::listen(socket, 0) == 0);
  std::vector<aio::task<std::string>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(aio::create_task(ask, at / "s", "client"));
  }
  co_await test::polls(20);
  auto waits = [&] {
    return std::count_if(clients.begin(), clients.end(),
                         [](auto& one) { return !one.done(); });
  };
  CHECK(waits() == 4);
  co_await server.start_serving();
  for (auto& one : clients) {
    const std::string answer = co_await one;
    CHECK(answer == "client");
  }
  co_await end(server);
}

AIO_NET_TEST("unix: giving up while the line is full", "[net][unix]") {
  const folder at;
  const aio::server server = co_await aio::start_unix_server(
      echo, at / "s", aio::server_options{.start_serving = false});
  REQUIRE(::listen(server.native_handles().at(0), 0) == 0);
  auto first = aio::create_task(ask, at / "s", "1");
  auto second = aio::create_task(ask, at / "s", "2");
  co_await test::polls(5);
  first.cancel();
  second.cancel();
  co_await aio::wait(first, second);
  CHECK(first.cancelled());
  CHECK(second.cancelled());
  co_await end(server);
}
