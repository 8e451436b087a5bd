// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <support/certificates.hpp>
#include <support/net.hpp>
#include <support/programs.hpp>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// TLS with other programs: OpenSSL's own, and CPython.

namespace {

using aio::ssl_context;
using Catch::Matchers::ContainsSubstring;
using test::child;
using test::command;
using test::ending;
using test::output_of;

/// The files that the other programs want.
struct files {
  test::scratch_folder folder;
  std::string ca = folder.file("ca.pem", test::trusted().cert());
  std::string cert = folder.file("cert.pem", test::localhost().cert);
  std::string key = folder.file("key.pem", test::localhost().key);
};

aio::coro<> shout(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;
    for (char& c : line) c = static_cast<char>(std::toupper(c));
    writer.write(line);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

constexpr const char* python_client = R"(
import asyncio, ssl, sys
ca, port, upgrade = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "upgrade"
async def main():
    context = ssl.create_default_context(cafile=ca)
    if upgrade:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"STARTTLS\n")
        print((await reader.readline()).decode().strip())
        await writer.start_tls(context, server_hostname="localhost")
    else:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost")
    big = b"x" * 300_000 + b"\n"
    writer.write(big)
    line = b""
    while not line.endswith(b"\n"):
        line += await reader.read(65536)
    print(line == big.upper(), writer.get_extra_info("ssl_object").version())
    writer.close()
    await writer.wait_closed()
    print("closed")
asyncio.run(main())
)";

constexpr const char* python_server = R"(
import asyncio, ssl, sys
cert, key, upgrade = sys.argv[1], sys.argv[2], sys.argv[3] == "upgrade"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
async def handle(reader, writer):
    if upgrade:
        await reader.readline()
        writer.write(b"ready\n")
        await writer.start_tls(context)
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    print("end of file", flush=True)
    writer.close()
    await writer.wait_closed()
    print("closed", flush=True)
async def main():
    server = await asyncio.start_server(
        handle, "127.0.0.1", 0, limit=1 << 20, ssl=None if upgrade else context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
)";

aio::coro<std::string> conversation(std::uint16_t port, ssl_context context,
                                    bool upgrade) {
  aio::connect_options options;
  if (!upgrade) options.ssl = context;
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port, options);
  if (upgrade) {
    writer.write("STARTTLS\n");
    const std::string ready = co_await reader.readline();
    CHECK(ready == "ready\n");
    co_await writer.start_tls(context, {.server_hostname = "localhost"});
  }
  const std::string big(300'000, 'x');
  writer.write(big + "\n");
  const std::string echo = co_await reader.readexactly(big.size() + 1);
  const std::string version = writer.transport().tls()->version;
  writer.close();
  co_await writer.wait_closed();
  const bool is_complete = echo == std::string(big.size(), 'X') + "\n";
  co_return std::string(is_complete ? "complete " : "wrong ") + version;
}

}  // namespace

AIO_NET_TEST("tls: CPython is a client of ours", "[tls][peers]") {
  if (!test::has_program("python3")) co_return;
  const files on_disk;
  const auto context = ssl_context::server(on_disk.cert, on_disk.key);
  auto server = co_await aio::start_server(shout, "127.0.0.1", 0,
                                           {.limit = 1 << 20, .ssl = context});
  const std::string port = std::to_string(server.port());
  const std::string said = co_await output_of(
      command("python3", "-c", python_client, on_disk.ca, port, "direct"));
  CHECK(said == "True TLSv1.3\nclosed\nexit 0");
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("tls: CPython is a client of ours that upgrades", "[tls][peers]") {
  if (!test::has_program("python3")) co_return;
  const files on_disk;
  const auto context = ssl_context::server(on_disk.cert, on_disk.key);
  auto handler = [context](aio::stream_reader reader,
                           aio::stream_writer writer) -> aio::coro<> {
    const std::string line = co_await reader.readline();
    CHECK(line == "STARTTLS\n");
    writer.write("go ahead\n");
    co_await writer.start_tls(context);
    co_await shout(reader, writer);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0, {.limit = 1 << 20});
  const std::string port = std::to_string(server.port());
  const std::string said = co_await output_of(
      command("python3", "-c", python_client, on_disk.ca, port, "upgrade"));
  CHECK_THAT(said, Catch::Matchers::StartsWith("go ahead\n"));
  // The streams of CPython before 3.11 cannot upgrade.
  if (said.find("start_tls") == std::string::npos) {
    CHECK(said == "go ahead\nTrue TLSv1.3\nclosed\nexit 0");
  }
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("tls: CPython is a server of ours", "[tls][peers]") {
  if (!test::has_program("python3")) co_return;
  const files on_disk;
  for (const bool upgrade : {false, true}) {
    child program(command("python3", "-c", python_server, on_disk.cert, on_disk.key,
                          upgrade ? "upgrade" : "direct"));
    const std::string port =
        co_await aio::to_thread([&] { return program.read_line(); });
    const auto context = ssl_context::client(on_disk.ca);
    const std::string how = co_await conversation(
        static_cast<std::uint16_t>(std::stoi(port)), context, upgrade);
    CHECK(how == "complete TLSv1.3");
    const auto next = [&] { return program.read_line(); };
    const std::string first = co_await aio::to_thread(next);
    const std::string second = co_await aio::to_thread(next);
    CHECK(first == "end of file\n");
    CHECK(second == "closed\n");
  }
}

AIO_NET_TEST("tls: openssl s_client is a client of ours", "[tls][peers]") {
  if (!test::has_program("openssl")) co_return;
  const files on_disk;
  const auto context = ssl_context::server(on_disk.cert, on_disk.key);
  auto server = co_await aio::start_server(shout, "127.0.0.1", 0, {.ssl = context});
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const std::vector<std::string> verifying = command(
      "openssl", "s_client", "-connect", address, "-CAfile", on_disk.ca,
      "-verify_hostname", "localhost", "-quiet", "-no_ign_eof", "-verify_return_error");
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    std::vector<std::string> words = verifying;
    words.push_back(version);
    // The end of its input makes it say goodbye, sometimes before the answer.
    const auto talk = [&] {
      child program(words);
      program.write("hello\n");
      const std::string answer = program.read_line();
      program.close_input();
      static_cast<void>(program.read_all());
      return answer + std::to_string(program.wait());
    };
    const std::string said = co_await aio::to_thread(talk);
    CHECK(said == "HELLO\n0");
  }

  // Renegotiation is refused, and the connection with it.
  std::vector<std::string> words = verifying;
  words.pop_back();
  words.pop_back();
  words.pop_back();
  words.push_back("-tls1_2");
  const std::string said = co_await output_of(words, "R\n");
  CHECK_THAT(said, ContainsSubstring("RENEGOTIATING") &&
                       ContainsSubstring("no renegotiation"));

  // New keys in the middle, for both directions.
  words.back() = "-tls1_3";
  const auto rekey = [&] {
    child program(words, true);
    const auto skip_to = [&](const std::string& part) {
      std::string line;
      do {
        line = program.read_line();
      } while (!line.empty() && line.find(part) == std::string::npos);
      return line;
    };
    skip_to("Verify return code: 0");
    program.write("K\n");
    skip_to("KEYUPDATE");
    program.write("hello\n");
    return skip_to("HELLO");
  };
  const std::string answer = co_await aio::to_thread(rekey);
  CHECK(answer == "HELLO\n");

  // An old one gets a clear answer.
  const std::string old =
      co_await output_of(command("openssl", "s_client", "-connect", address, "-tls1_1",
                                 "-cipher", "ALL:@SECLEVEL=0"));
  CHECK_THAT(old, ContainsSubstring("alert protocol version"));
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
  static_cast<void>(reports.take());
}

AIO_NET_TEST("tls: openssl s_server is a server of ours", "[tls][peers]") {
  if (!test::has_program("openssl")) co_return;
  const files on_disk;
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    child program(command("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
                          on_disk.cert, "-key", on_disk.key, "-rev", version, "-alpn",
                          "reverse"));
    const auto find_port = [&] {
      std::string line;
      do {
        line = program.read_line();
      } while (!line.empty() && line.rfind("ACCEPT", 0) != 0);
      return line.substr(line.rfind(':') + 1);
    };
    const std::string text = co_await aio::to_thread(find_port);
    const auto port = static_cast<std::uint16_t>(std::stoi(text));
    const auto context = ssl_context::client(on_disk.ca);
    context.set_alpn_protocols({"other", "reverse"});
    {
      auto [reader, writer] =
          co_await aio::open_connection("127.0.0.1", port, {.ssl = context});
      CHECK(writer.transport().tls()->alpn == "reverse");
      writer.write("stressed\n");
      const std::string line = co_await reader.readline();
      CHECK(line == "desserts\n");
      writer.close();
      co_await writer.wait_closed();
    }
    const auto stranger = ssl_context::client_pem(test::self_signed().cert);
    const std::string how =
        co_await ending(aio::open_connection("127.0.0.1", port, {.ssl = stranger}));
    CHECK_THAT(how, ContainsSubstring("unable to get local issuer certificate"));
  }
}

AIO_NET_TEST("tls: curl asks a server of ours", "[tls][peers]") {
  if (!test::has_program("curl")) co_return;
  const files on_disk;
  auto answer = [](aio::stream_reader reader,
                   aio::stream_writer writer) -> aio::coro<> {
    const std::string request = co_await reader.readuntil("\r\n\r\n");
    CHECK(request.rfind("GET /x HTTP/1.1\r\n", 0) == 0);
    writer.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsecret\n");
    writer.close();
    co_await writer.wait_closed();
  };
  const auto context = ssl_context::server(on_disk.cert, on_disk.key);
  context.set_alpn_protocols({"http/1.1"});
  auto server = co_await aio::start_server(answer, "127.0.0.1", 0, {.ssl = context});
  const std::string where = "127.0.0.1:" + std::to_string(server.port()) + "/x";
  const std::string good = co_await output_of(command(
      "curl", "--silent", "--show-error", "--cacert", on_disk.ca, "https://" + where));
  CHECK(good == "secret\nexit 0");
  const std::string stranger = co_await output_of(
      command("curl", "--silent", "--show-error", "https://" + where));
  CHECK_THAT(stranger, ContainsSubstring("exit 60"));
  const std::string plain = co_await output_of(
      command("curl", "--silent", "--max-time", "5", "http://" + where));
  CHECK_THAT(plain, !ContainsSubstring("exit 0"));
  server.close();
  co_await server.wait_closed();
}
