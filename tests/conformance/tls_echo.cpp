// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

namespace tls_echo {
using namespace conformance;

struct contexts {
  aio::ssl_context server;
  aio::ssl_context client;
};

contexts certificate(const std::string& folder) {
  const std::string key = folder + "/key.pem";
  const std::string cert = folder + "/cert.pem";
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout " + key + " -out " +
      cert +
      " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
      " 2>/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl req");
  return {aio::ssl_context::server(cert, key), aio::ssl_context::client(cert)};
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  return text;
}
std::string stripped(std::string line) {
  if (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

aio::coro<> handle(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string line = co_await reader.readline();
    if (line.empty()) break;
    writer.write(upper(line));
    co_await writer.drain();
  }
  writer.close();
}

aio::coro<> words_and_facts(std::uint16_t port, aio::ssl_context context) {
  auto [reader, writer] = co_await aio::open_connection(
      "127.0.0.1", port, {.ssl = context, .server_hostname = "localhost"});
  for (const char* word : {"hello", "secret"}) {
    writer.write(word + std::string("\n"));
    const std::string line = co_await reader.readline();
    print(stripped(line));
  }
  print("certificate known", writer.transport().tls()->peer_certificate.has_value());
  print("cipher known", !writer.transport().tls()->cipher.empty());
  print("can write eof", writer.can_write_eof());
  writer.close();
  co_await writer.wait_closed();
  print("closed, at_eof", reader.at_eof());
}

aio::coro<> large_transfer(std::uint16_t port, aio::ssl_context context) {
  auto [reader, writer] =
      co_await aio::open_connection("127.0.0.1", port, {.ssl = context});
  const std::string big = std::string(60'000, 'x') + "\n";
  for (int i = 0; i < 5; ++i) {
    writer.write(big);
    const std::string echo = co_await reader.readexactly(big.size());
    print("echo is complete", echo == upper(big));
  }
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<std::string> one(std::uint16_t port, aio::ssl_context context, int n) {
  auto [reader, writer] =
      co_await aio::open_connection("127.0.0.1", port, {.ssl = context});
  writer.write(fmt::format("client {}\n", n));
  const std::string line = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return stripped(line);
}

aio::coro<> amain(std::string folder) {
  const contexts made = certificate(folder);
  aio::server server =
      co_await aio::start_server(handle, "127.0.0.1", 0, {.ssl = made.server});
  const std::uint16_t port = server.port();
  co_await words_and_facts(port, made.client);
  co_await large_transfer(port, made.client);
  auto [a, b, c] = co_await aio::gather(
      one(port, made.client, 0), one(port, made.client, 1), one(port, made.client, 2));
  fmt::print("{}, {}, {}\n", a, b, c);
  server.close();
  co_await server.wait_closed();
}

AIO_TWIN(tls_echo) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "tls_echo-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
  aio::run(amain(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace tls_echo
