// tcp_proxy: stands between clients and a server, and passes on what either side says.
// A side that reads slowly slows the other down, and the end of one direction leaves the
// other open.
//
//   $ tcp_proxy LISTEN_HOST LISTEN_PORT TARGET_HOST TARGET_PORT
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

#include "support/program.hpp"

aio::coro<> pass_on(aio::stream_reader from, aio::stream_writer to) {
  for (;;) {
    const std::string data = co_await from.read(65536);
    if (data.empty()) break;
    to.write(data);
    co_await to.drain();  // until then nothing more is read
  }
  to.write_eof();
}

aio::coro<> connect_through(support::address target, aio::stream_reader reader,
                            aio::stream_writer writer) {
  try {
    auto [server_reader, server_writer] =
        co_await aio::open_connection(target.host, target.port);
    auto there = pass_on(reader, server_writer);
    auto back = pass_on(server_reader, writer);
    // If one direction breaks, the other one ends as well.
    co_await aio::with(aio::task_group{}, [&](aio::task_group& both) -> aio::coro<> {
      both.create_task(std::move(there));
      both.create_task(std::move(back));
      co_return;
    });
  } catch (const aio::exception_group& broken) {
    fmt::print(stderr, "tcp_proxy: {}: {}", writer.peername(), broken.to_string());
    writer.transport().abort();  // whose end it was, the others shall notice
  } catch (const boost::system::system_error& error) {
    fmt::print(stderr, "tcp_proxy: {}: {}\n", writer.peername(), error.what());
  }
}

aio::coro<int> serve(support::address at, support::address target) {
  const auto handler = [&](aio::stream_reader reader, aio::stream_writer writer) {
    return connect_through(target, reader, writer);
  };
  const aio::server server = co_await aio::start_server(handler, at.host, at.port);
  co_return co_await support::serve_until_signal(server);
}

int main(int argc, char** argv) {
  const char* usage = "LISTEN_HOST LISTEN_PORT TARGET_HOST TARGET_PORT";
  if (argc != 5) support::exit_with_usage(argv[0], usage);
  char* target[] = {argv[0], argv[3], argv[4], nullptr};
  const auto to = support::parse_address(3, target, usage);
  return support::run("tcp_proxy", serve(support::parse_address(3, argv, usage), to));
}
