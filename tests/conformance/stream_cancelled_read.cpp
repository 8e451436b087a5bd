// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstdint>

namespace stream_cancelled_read {
using namespace conformance;

std::string text(std::string_view bytes) { return quoted(bytes); }

aio::coro<> amain() {
  aio::event go;
  const auto handle = [&go](aio::stream_reader, aio::stream_writer out) -> aio::coro<> {
    out.write("half a li");
    co_await go.wait();
    out.write("ne\nand 8bytes");
    out.close();
  };

  const aio::server server = co_await aio::start_server(handle, "127.0.0.1", 0);
  const std::uint16_t port = server.port();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);

  // giving up a read loses nothing: the data stay in the buffer
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      co_await aio::wait_for(reader.readline(), 30ms);
    } catch (const aio::timeout_error&) {
      print("attempt", attempt, label());
    }
  }

  const std::array task{aio::ensure_future(reader.readexactly(100))};
  co_await aio::sleep(0s);
  try {
    co_await reader.readuntil("\n");
  } catch (const aio::usage_error&) {
    print("a second one that has to wait:", label());
  }
  task[0].cancel();
  co_await aio::wait(task);
  print("readexactly cancelled", task[0].cancelled());

  go.set();
  print("the whole line:", text(co_await reader.readline()));
  print("exactly:", text(co_await reader.readexactly(4)));
  try {
    co_await reader.readexactly(100);
  } catch (const aio::incomplete_read_error& e) {
    print("incomplete_read", fmt::format("partial={}", text(e.partial)));
  }
  writer.close();
  co_await writer.wait_closed();
  server.close();
  co_await server.wait_closed();
}

AIO_TWIN(stream_cancelled_read) { aio::run(amain()); }

}  // namespace stream_cancelled_read
