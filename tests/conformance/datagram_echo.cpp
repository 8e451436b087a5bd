// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>
#include <memory>

namespace datagram_echo {
using namespace conformance;

using lines = std::vector<std::string>;

std::string lost(const std::exception_ptr& error) {
  return error ? "lost error" : "lost none";
}

std::string upper(std::string_view text) {
  std::string all(text);
  for (char& c : all) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return all;
}

class echo : public aio::datagram_protocol {
 public:
  explicit echo(lines& log) : log_(log) {}

  void connection_made(aio::datagram_transport& transport) override {
    transport_ = transport;
    log_.push_back("made");
  }
  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    log_.push_back(fmt::format("{} from {}", data, from.address()));
    transport_.sendto(upper(data), from);
  }
  void connection_lost(std::exception_ptr error) override {
    log_.push_back(lost(error));
  }

 private:
  lines& log_;
  aio::datagram_transport transport_;
};

class client : public aio::datagram_protocol {
 public:
  explicit client(std::size_t expected) : expected_(expected) {}

  void connection_made(aio::datagram_transport& transport) override {
    transport.sendto("sent in connection_made");
  }
  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    replies.emplace_back(data);
    if (replies.size() == expected_) complete.set_result(from);
  }
  void connection_lost(std::exception_ptr error) override {
    replies.push_back(lost(error));
    gone.set();
  }

  lines replies;
  aio::future<aio::endpoint> complete =
      aio::get_running_loop().create_future<aio::endpoint>();
  aio::event gone;

 private:
  std::size_t expected_;
};

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  lines log;
  const auto make_echo = [&] { return std::make_unique<echo>(log); };
  const aio::datagram_options here{.local_addr = {"127.0.0.1", 0}};
  auto [server, unused] = co_await loop.create_datagram_endpoint(make_echo, here);
  const aio::endpoint address = server.sockname();
  print("server made:", words(log), "closing", server.is_closing());

  const auto make_client = [] { return std::make_unique<client>(4); };
  const std::string host = address.address();
  const aio::datagram_options there{.remote_addr = {host, address.port()}};
  auto [transport, protocol] =
      co_await loop.create_datagram_endpoint(make_client, there);
  print("peer is the server", transport.peername() == address);
  for (const char* word : {"one", "two", "three"}) transport.sendto(word);
  const aio::endpoint from = co_await protocol->complete;
  print("answers come from the server", from == address);
  transport.close();
  transport.close();
  print("closing", transport.is_closing());
  co_await protocol->gone.wait();
  print("client:", fmt::format("{}", fmt::join(protocol->replies, ", ")));

  server.abort();
  while (std::find(log.begin(), log.end(), "lost none") == log.end()) {
    co_await aio::sleep(0s);
  }
  print("server:", fmt::format("{}", fmt::join(log, ", ")));
}

AIO_TWIN(datagram_echo) { aio::run(amain()); }

}  // namespace datagram_echo
