// chat_client: a chat in the terminal. What is typed goes to the server; what the
// server sends is printed as it comes, also while one types.
//
//   $ chat_client [HOST] [PORT]      (until Ctrl-D, Ctrl-C, or the server ends)
//
// Input from a pipe or a file works as well.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>

#include "support/program.hpp"

// What is typed, without blocking the loop: Asio says when there is something to read.
class keyboard {
 public:
  keyboard() : input_(aio::get_running_loop().io_context()) {
    const int fd = ::dup(STDIN_FILENO);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "stdin");
    input_.assign(fd);
  }

  // The next bytes, usually a line; empty at the end.
  aio::coro<std::string> read() {
    auto is_ready = aio::get_running_loop().create_future<>();
    input_.async_wait(input_.wait_read, [is_ready](const auto&) mutable {
      if (!is_ready.done()) is_ready.set_result();
    });
    co_await is_ready;  // at once for a file, which can always be read

    std::array<char, 4096> bytes;
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0) throw std::system_error(errno, std::generic_category(), "stdin");
    co_return std::string(bytes.data(), static_cast<std::size_t>(n));
  }

 private:
  boost::asio::posix::stream_descriptor input_;
};

aio::coro<> send_what_is_typed(aio::stream_writer writer) {
  try {
    keyboard keys;
    for (;;) {
      const std::string text = co_await keys.read();
      if (text.empty()) break;
      writer.write(text);
      co_await writer.drain();
    }
    writer.write_eof();  // the server closes when it has read everything
  } catch (const std::exception& error) {
    // Of a lost connection the reading side tells.
    if (!writer.is_closing()) fmt::print(stderr, "chat_client: {}\n", error.what());
    writer.close();
  }
}

aio::coro<int> chat(support::address server) {
  auto [reader, writer] = co_await aio::open_connection(server.host, server.port);
  auto typing = aio::create_task(send_what_is_typed(writer));
  for (;;) {
    const std::string text = co_await reader.read(65536);
    if (text.empty()) break;
    fmt::print("{}", text);
    std::fflush(stdout);
  }
  if (!typing.done()) fmt::print(stderr, "The server has closed the connection.\n");
  co_return 0;
}

int main(int argc, char** argv) {
  const int code =
      support::run("chat_client", chat(support::parse_address(argc, argv)));
  return code == 130 ? 0 : code;  // Ctrl-C is a way to leave
}
