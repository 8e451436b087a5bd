// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <support/certificates.hpp>
#include <support/net.hpp>

namespace {

aio::ssl_context client_context() {
  auto made = aio::ssl_context::insecure_client();
  made.use_verify_certificates(test::trusted().cert());
  return made;
}
aio::ssl_context server_context() {
  return aio::ssl_context::server_pem(test::localhost().cert, test::localhost().key);
}

aio::coro<> shout(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;
    for (char& c : line) c = static_cast<char>(std::toupper(c));
    writer.write(line);
    co_await writer.drain();
  }
}

}  // namespace

AIO_NET_TEST("tls: lines go to a server and back", "[tls]") {
  auto server =
      co_await aio::start_server(shout, "127.0.0.1", 0, {.ssl = server_context()});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port(),
                                                        {.ssl = client_context()});
  writer.write("hello\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "HELLO\n");
  writer.close();
  co_await writer.wait_closed();
  server.close();
  co_await server.wait_closed();
}
