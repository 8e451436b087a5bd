// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cctype>
#include <cstdint>
#include <sstream>

namespace stream_half_close {
using namespace conformance;

std::string upper(std::string word) {
  for (char& c : word) {
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return word;
}

aio::coro<> amain() {
  std::vector<std::string> server_log;
  aio::event served;

  const auto handle = [&](aio::stream_reader in,
                          aio::stream_writer out) -> aio::coro<> {
    // the client says that it is through; the answer still gets out
    const std::string data = co_await in.read();
    server_log.push_back(
        fmt::format("got {} bytes, at_eof {:d}", data.size(), in.at_eof()));
    std::istringstream parts(data);
    for (std::string word; parts >> word;) out.write(upper(word) + "\n");
    co_await out.drain();
    out.close();
    co_await out.wait_closed();
    server_log.push_back("closed");
    served.set();
  };

  const aio::server server = co_await aio::start_server(handle, "127.0.0.1", 0);
  const std::uint16_t port = server.port();

  {
    auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
    print("can write eof", writer.can_write_eof());
    writer.write("one two ");
    co_await writer.drain();
    writer.write("three");
    writer.write_eof();
    try {
      writer.write("too late");
    } catch (const aio::usage_error&) {
      print("write after write_eof:", label());
    }
    fmt::print("lines:");
    for (;;) {
      const std::string line = co_await reader.readline();
      if (line.empty()) break;
      fmt::print(" {}", line.substr(0, line.find('\n')));
    }
    fmt::print("\n");
    print("at_eof", reader.at_eof(), "closing", writer.is_closing());
    writer.close();
    co_await writer.wait_closed();
  }
  co_await served.wait();
  print("server:", fmt::format("{}", fmt::join(server_log, ", ")));

  // closing with data unread on this side is fine
  served.clear();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  writer.write("four five");
  writer.write_eof();
  print("read", co_await reader.readexactly(2));
  co_await served.wait();
  co_await aio::sleep(50ms);
  writer.close();
  co_await writer.wait_closed();
  const std::string unread = conformance::quoted(co_await reader.read(100));
  print("closed with unread data; read gives", unread.substr(1, unread.size() - 2));
  server.close();
  co_await server.wait_closed();
}

AIO_TWIN(stream_half_close) { aio::run(amain()); }

}  // namespace stream_half_close
