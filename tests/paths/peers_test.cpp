// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/programs.hpp>

#include <stdlib.h>
#include <sys/socket.h>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

// Connections and datagrams with other programs: CPython's asyncio, socat, curl. Those
// that are not installed are left out, and the test says so.

namespace {

using Catch::Matchers::ContainsSubstring;
using test::child;
using test::command;
using test::output_of;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  return text;
}

/// Answers until the end, and then closes: the peer may have closed its half.
aio::coro<> shout(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(65536);
    if (data.empty()) break;
    writer.write(upper(data));
    co_await writer.drain();
  }
}

/// Sends all at once, and its end; yields what comes back.
aio::coro<std::string> answer_to(aio::stream_pair pair, std::string text) {
  auto [reader, writer] = std::move(pair);
  writer.write(text);
  writer.write_eof();
  std::string answer = co_await reader.read();
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}

struct shouting_protocol final : aio::datagram_protocol {
  void connection_made(aio::datagram_transport& t) override { transport = t; }
  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    transport.sendto(upper(std::string(data)), from);
  }
  aio::datagram_transport transport;
};

class scratch_folder {
 public:
  scratch_folder() {
    char name[] = "/tmp/aio_peers_XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

constexpr const char* stream_client = R"(
import asyncio, sys
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    big = b"abcdefgh" * 100_000
    async def send():
        for start in range(0, len(big), 30_000):
            writer.write(big[start:start + 30_000])
            await writer.drain()
        writer.write_eof()
    sending = asyncio.ensure_future(send())
    answer = await reader.read()
    await sending
    print(answer == big.upper(), reader.at_eof())
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
)";

constexpr const char* stream_server = R"(
import asyncio
async def handle(reader, writer):
    while data := await reader.read(65536):
        writer.write(data.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()
    print("closed", flush=True)
    asyncio.get_running_loop().stop()
async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    return server
loop = asyncio.new_event_loop()
server = loop.run_until_complete(main())
loop.run_forever()
)";

constexpr const char* datagram_client = R"(
import asyncio, sys
class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.came = asyncio.Queue()
    def datagram_received(self, data, address):
        self.came.put_nowait(data)
async def main():
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(
        Client, remote_addr=("127.0.0.1", int(sys.argv[1])))
    for size in (1, 1400, 60_000):
        transport.sendto(b"a" * size)
        print(await client.came.get() == b"A" * size)
    transport.close()
asyncio.run(main())
)";

constexpr const char* datagram_server = R"(
import asyncio
class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, address):
        self.transport.sendto(data.upper(), address)
        if data == b"stop":
            asyncio.get_running_loop().stop()
loop = asyncio.new_event_loop()
transport, server = loop.run_until_complete(loop.create_datagram_endpoint(
    Server, local_addr=("127.0.0.1", 0)))
print(transport.get_extra_info("sockname")[1], flush=True)
loop.run_forever()
)";

std::uint16_t to_port(const std::string& line) {
  return static_cast<std::uint16_t>(std::stoi(line));
}

}  // namespace

AIO_NET_TEST("peers: CPython is a client of ours, with streams", "[paths][peers]") {
  if (!test::has_program("python3")) co_return;
  auto server = co_await aio::start_server(shout, "127.0.0.1", 0);
  const auto port = std::to_string(server.port());
  const std::string said =
      co_await output_of(command("python3", "-c", stream_client, port));
  CHECK(said == "True True\nexit 0");
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("peers: CPython is a server of ours, with streams", "[paths][peers]") {
  if (!test::has_program("python3")) co_return;
  child python(command("python3", "-c", stream_server), true);
  const std::uint16_t port = to_port(co_await test::line_of(python));
  const std::string text(1'000'000, 'x');
  auto streams = co_await aio::open_connection("127.0.0.1", port);
  const std::string answer = co_await answer_to(std::move(streams), text);
  CHECK(answer == upper(text));
  const std::string rest = co_await test::rest_of(python);
  CHECK(rest == "closed\nexit 0");
}

AIO_NET_TEST("peers: CPython is a client of ours, with datagrams", "[paths][peers]") {
  if (!test::has_program("python3")) co_return;
  auto [transport, protocol] = co_await loop.create_datagram_endpoint(
      [] { return std::make_unique<shouting_protocol>(); },
      {.local_addr = {"127.0.0.1", 0}});
  const auto port = std::to_string(transport.sockname().port());
  const std::string said =
      co_await output_of(command("python3", "-c", datagram_client, port));
  CHECK(said == "True\nTrue\nTrue\nexit 0");
  transport.close();
}

AIO_NET_TEST("peers: CPython is a server of ours, with datagrams", "[paths][peers]") {
  if (!test::has_program("python3")) co_return;
  child python(command("python3", "-c", datagram_server), true);
  const std::uint16_t port = to_port(co_await test::line_of(python));
  auto socket = co_await aio::udp_socket::connect("127.0.0.1", port);
  co_await socket.send("hello");
  const std::string answer = co_await socket.recv();
  CHECK(answer == "HELLO");
  co_await socket.send("stop");
  const std::string last = co_await socket.recv();
  CHECK(last == "STOP");
  const std::string rest = co_await test::rest_of(python);
  CHECK(rest == "exit 0");
}

AIO_NET_TEST("peers: socat is a client of ours over TCP, unix and UDP",
             "[paths][peers]") {
  if (!test::has_program("socat")) co_return;
  const scratch_folder folder;
  auto tcp = co_await aio::start_server(shout, "127.0.0.1", 0);
  const std::string tcp_address = "TCP:127.0.0.1:" + std::to_string(tcp.port());
  const std::string over_tcp =
      co_await output_of(command("socat", "-t5", "-", tcp_address), "over tcp\n");
  CHECK(over_tcp == "OVER TCP\nexit 0");

  auto unix_server = co_await aio::start_unix_server(shout, folder.file("socket"));
  const std::string unix_address = "UNIX-CONNECT:" + folder.file("socket");
  const std::string over_unix =
      co_await output_of(command("socat", "-t5", "-", unix_address), "over unix\n");
  CHECK(over_unix == "OVER UNIX\nexit 0");

  auto abstract = co_await aio::start_unix_server(
      shout, std::string(1, '\0') + folder.file("abstract"));
  const std::string abstract_address = "ABSTRACT-CONNECT:" + folder.file("abstract");
  const std::string over_abstract =
      co_await output_of(command("socat", "-t5", "-", abstract_address), "abstract\n");
  CHECK(over_abstract == "ABSTRACT\nexit 0");

  auto udp = co_await aio::udp_socket::bind("127.0.0.1", 0);
  const std::string udp_address =
      "UDP:127.0.0.1:" + std::to_string(udp.sockname().port());
  child sender(command("socat", "-t5", "-", udp_address), true);
  sender.write("over udp\n");
  const aio::datagram came = co_await udp.recv_from();
  CHECK(came.data == "over udp\n");
  co_await udp.send_to("answer\n", came.from);
  const std::string answer = co_await test::line_of(sender);
  CHECK(answer == "answer\n");

  auto [transport, protocol] = co_await loop.create_datagram_endpoint(
      [] { return std::make_unique<shouting_protocol>(); },
      {.local_addr = {folder.file("datagrams"), 0}, .family = AF_UNIX});
  const std::string sendto =
      "UNIX-SENDTO:" + folder.file("datagrams") + ",bind=" + folder.file("sender");
  child unix_sender(command("socat", "-t5", "-", sendto), true);
  unix_sender.write("unix datagram\n");
  const std::string shouted = co_await test::line_of(unix_sender);
  CHECK(shouted == "UNIX DATAGRAM\n");
  transport.close();
}

AIO_NET_TEST("peers: socat is a server of ours over TCP and unix", "[paths][peers]") {
  if (!test::has_program("socat")) co_return;
  const scratch_folder folder;
  const std::string text = test::pattern(300'000);
  {
    child server(
        command("socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1", "EXEC:cat"), true);
    std::string line;
    while (line.find("listening on") == line.npos)
      line = co_await test::line_of(server);
    const std::uint16_t port = to_port(line.substr(line.rfind(':') + 1));
    auto streams = co_await aio::open_connection("127.0.0.1", port);
    const std::string answer = co_await answer_to(std::move(streams), text);
    CHECK(answer == text);
  }
  const std::string path = folder.file("socket");
  child server(command("socat", "-d", "-d", "UNIX-LISTEN:" + path, "EXEC:cat"), true);
  std::string line;
  while (line.find("listening on") == line.npos) line = co_await test::line_of(server);
  auto streams = co_await aio::open_unix_connection(path);
  const std::string answer = co_await answer_to(std::move(streams), text);
  CHECK(answer == text);
}

AIO_NET_TEST("peers: curl gets a raw response, over TCP and a unix socket",
             "[paths][peers]") {
  if (!test::has_program("curl")) co_return;
  const scratch_folder folder;
  std::string request;
  const auto respond = [&](aio::stream_reader reader,
                           aio::stream_writer writer) -> aio::coro<> {
    request = co_await reader.readuntil("\r\n\r\n");
    writer.write("HTTP/1.0 200 OK\r\n\r\nthe end is the end of file\n");
    co_await writer.drain();
  };
  auto tcp = co_await aio::start_server(respond, "127.0.0.1", 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(tcp.port()) + "/page";
  const std::string over_tcp = co_await output_of(
      command("curl", "--silent", "--show-error", "--noproxy", "*", url));
  CHECK(over_tcp == "the end is the end of file\nexit 0");
  CHECK_THAT(request, ContainsSubstring("GET /page HTTP/1.1\r\n"));

  auto over_path = co_await aio::start_unix_server(respond, folder.file("http"));
  const std::string answer =
      co_await output_of(command("curl", "--silent", "--show-error", "--unix-socket",
                                 folder.file("http"), "http://localhost/other"));
  CHECK(answer == "the end is the end of file\nexit 0");
  CHECK_THAT(request, ContainsSubstring("GET /other HTTP/1.1\r\n"));
}
