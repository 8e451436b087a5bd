// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy on streams: a coroutine for each direction, and one buffer for all, since
// nobody else runs between a read and the write behind it.

#include <aio/aio.hpp>

#include <array>
#include <cstddef>
#include <utility>

#include "server.hpp"

namespace {

std::array<std::byte, 65536> buffer;

aio::coro<> pass_on(aio::stream_reader from, aio::stream_writer to) {
  for (;;) {
    const std::size_t n = co_await from.read_some(buffer);
    if (n == 0) break;
    to.write({reinterpret_cast<const char*>(buffer.data()), n});
    co_await to.drain();
  }
  to.write_eof();
}

// If one direction breaks, the other one ends as well.
aio::coro<> join(aio::stream_reader reader, aio::stream_writer writer,
                 bench::address target) {
  auto [up_reader, up_writer] = co_await aio::open_connection(target.host, target.port);
  auto there = pass_on(reader, up_writer);
  auto back = pass_on(up_reader, writer);
  co_await aio::with(aio::task_group{}, [&](aio::task_group& both) -> aio::coro<> {
    both.create_task(std::move(there));
    both.create_task(std::move(back));
    co_return;
  });
}

aio::coro<> serve(bench::address address, bench::address target) {
  const auto handler = [&](aio::stream_reader reader, aio::stream_writer writer) {
    return join(reader, writer, target);
  };
  auto server = co_await aio::start_server(handler, address.host, address.port);
  bench::announce(address.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
  const auto [address, target] = bench::start_up_proxy(argc, argv);
  aio::run(serve(address, target));
}
