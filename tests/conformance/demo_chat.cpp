// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cstdint>
#include <tuple>

namespace demo_chat {
using namespace conformance;

using client_list = std::vector<std::pair<std::string, aio::stream_writer>>;

std::string stripped(std::string line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

aio::coro<> broadcast(client_list& clients, std::string line, std::string but = {}) {
  // somebody may come or go meanwhile
  const client_list present = clients;
  for (const auto& [name, writer] : present) {
    if (name == but) continue;
    writer.write(line + "\n");
    co_await writer.drain();
  }
}

aio::coro<> relay(client_list& clients, std::string name, aio::stream_reader reader) {
  for (;;) {
    const std::string line = stripped(co_await reader.readline());
    if (line.empty() || line == "/quit") break;
    co_await broadcast(clients, fmt::format("{}: {}", name, line), name);
  }
}

aio::coro<> handle(client_list& clients, aio::stream_reader reader,
                   aio::stream_writer writer) {
  const std::string name = stripped(co_await reader.readline());
  co_await broadcast(clients, fmt::format("* {} joined", name));
  clients.emplace_back(name, writer);
  writer.write(fmt::format("* welcome {}, {} here\n", name, clients.size()));
  std::exception_ptr error;
  try {
    co_await relay(clients, name, reader);
  } catch (...) {
    error = std::current_exception();
  }
  std::erase_if(clients, [&](const auto& one) { return one.first == name; });
  co_await broadcast(clients, fmt::format("* {} left", name));
  writer.close();
  if (error) std::rethrow_exception(error);
}

class client {
 public:
  aio::coro<> join(std::uint16_t port, std::string name) {
    name_ = std::move(name);
    std::tie(reader_, writer_) = co_await aio::open_connection("127.0.0.1", port);
    say(name_);
    co_await hears();
  }

  void say(std::string_view text) { writer_.write(fmt::format("{}\n", text)); }

  aio::coro<> hears() {
    const std::string line = stripped(co_await reader_.readline());
    print(fmt::format("[{}] {}", name_, line.empty() ? "end of file" : line));
  }

  void close() { writer_.close(); }

 private:
  std::string name_;
  aio::stream_reader reader_;
  aio::stream_writer writer_;
};

std::vector<std::string> names(const client_list& clients) {
  std::vector<std::string> all;
  for (const auto& one : clients) all.push_back(one.first);
  return all;
}

aio::coro<> amain() {
  client_list clients;
  const auto serve = [&clients](aio::stream_reader reader, aio::stream_writer writer) {
    return handle(clients, std::move(reader), std::move(writer));
  };
  const aio::server server = co_await aio::start_server(serve, "127.0.0.1", 0);
  const std::uint16_t port = server.port();
  client ann;
  co_await ann.join(port, "ann");
  client bob;
  co_await bob.join(port, "bob");
  co_await ann.hears();
  client cid;
  co_await cid.join(port, "cid");
  co_await ann.hears();
  co_await bob.hears();
  ann.say("hello everybody");
  co_await bob.hears();
  co_await cid.hears();
  bob.say("hi ann");
  co_await ann.hears();
  co_await cid.hears();
  cid.say("/quit");
  co_await cid.hears();
  co_await ann.hears();
  co_await bob.hears();
  // a connection that is simply closed counts as leaving
  bob.close();
  co_await ann.hears();
  print("still here:", words(names(clients)));
  ann.close();
  server.close();
  co_await server.wait_closed();
  print("still here:", clients.size());
}

AIO_TWIN(demo_chat) { aio::run(amain()); }

}  // namespace demo_chat
