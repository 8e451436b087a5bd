// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Datagrams on callbacks.

#include <aio/aio.hpp>

#include <memory>
#include <string_view>

#include "server.hpp"

namespace {

struct echo : aio::datagram_protocol {
  void connection_made(aio::datagram_transport& t) override { transport = t; }
  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    transport.sendto(data, from);
  }
  aio::datagram_transport transport;
};

aio::coro<> serve(bench::address address) {
  aio::event_loop& loop = aio::get_running_loop();
  const auto make = [] { return std::make_unique<echo>(); };
  const aio::datagram_options options{.local_addr = {address.host, address.port}};
  auto [transport, protocol] = co_await loop.create_datagram_endpoint(make, options);
  bench::announce(address.host, transport.sockname().port());
  co_await loop.create_future();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up(argc, argv))); }
