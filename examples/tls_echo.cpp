// tls_echo: an echo server and its client over TLS.
//
//   $ openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem
//         -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1
//   $ tls_echo server cert.pem key.pem [PORT]
//   Serving on 127.0.0.1:8443        (until Ctrl-C)
//
//   $ tls_echo client cert.pem [PORT] [MESSAGE...]
//   Connected: TLSv1.3, CN=localhost
//   Received: 'Hello World!'
//
// The client trusts whom cert.pem names, and nobody else. With
// aio::ssl_context::client() it would trust the authorities of the system.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/program.hpp"

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  try {
    for (;;) {
      const std::string data = co_await reader.read(65536);
      if (data.empty()) break;
      writer.write(data);
      co_await writer.drain();
    }
  } catch (const boost::system::system_error&) {
    // The client has vanished, or was cut off.
  }
}

aio::coro<int> serve(std::uint16_t port, std::string cert, std::string key) {
  const auto context = aio::ssl_context::server(cert, key);
  aio::server server =
      co_await aio::start_server(echo, "127.0.0.1", port, {.ssl = context});
  co_return co_await support::serve_until_signal(server);
}

aio::coro<int> ask(std::uint16_t port, std::string trusted,
                   std::vector<std::string> messages) {
  const auto context = aio::ssl_context::client(trusted);
  auto [reader, writer] =
      co_await aio::open_connection("127.0.0.1", port, {.ssl = context});
  const aio::tls_info tls = writer.transport().tls().value();
  fmt::print("Connected: {}, {}\n", tls.version, tls.peer_certificate->subject);
  for (const std::string& message : messages) {
    writer.write(message);
    co_await writer.drain();
    const std::string data = co_await reader.readexactly(message.size());
    fmt::print("Received: '{}'\n", data);
  }
  writer.close();
  co_await writer.wait_closed();
  co_return 0;
}

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  const int files = role == "server" ? 2 : 1;
  const auto port = support::parse_port(argc > files + 2 ? argv[files + 2] : "8443");
  if (role == "server" && port && (argc == 4 || argc == 5)) {
    return support::run("tls_echo", serve(*port, argv[2], argv[3]));
  }
  if (role == "client" && port && argc >= 3) {
    std::vector<std::string> messages{"Hello World!"};
    if (argc > 4) messages.assign(argv + 4, argv + argc);
    return support::run("tls_echo", ask(*port, argv[2], std::move(messages)));
  }
  support::exit_with_usage(argv[0],
                           "server CERT KEY [PORT] | client CA [PORT] [MESSAGE...]");
}
