// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace proto_eof_keep_open {
using namespace conformance;

using lines = std::vector<std::string>;

class peer : public aio::protocol {
 public:
  peer(lines& log, aio::event& gone, bool keep_open)
      : log_(log), gone_(gone), keep_open_(keep_open) {}

  void connection_made(aio::transport& transport) override { transport_ = transport; }

  void data_received(std::string_view data) override { received_ += data; }

  bool eof_received() override {
    log_.push_back("eof after " + received_);
    if (keep_open_) aio::get_running_loop().call_later(20ms, &peer::finish, this);
    return keep_open_;
  }

  void connection_lost(std::exception_ptr error) override {
    log_.push_back(error ? "lost error" : "lost none");
    gone_.set();
  }

 private:
  void finish() {
    log_.push_back(fmt::format("closing {:d}", transport_.is_closing()));
    transport_.write("late answer");
    transport_.close();
  }

  lines& log_;
  aio::event& gone_;
  bool keep_open_;
  aio::transport transport_;
  std::string received_;
};

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const std::array<bool, 2> choices{false, true};
  for (const bool keep_open : choices) {
    lines log;
    lines client_log;
    aio::event gone;
    aio::event client_gone;
    const auto make_server = [&] {
      return std::make_unique<peer>(log, gone, keep_open);
    };
    const auto make_client = [&] {
      return std::make_unique<peer>(client_log, client_gone, false);
    };
    const aio::server server = co_await loop.create_server(make_server, "127.0.0.1", 0);
    const std::uint16_t port = server.port();
    auto [transport, client] =
        co_await loop.create_connection(make_client, "127.0.0.1", port);
    transport.write("question");
    print("can write eof", transport.can_write_eof());
    transport.write_eof();
    transport.write_eof();
    try {
      transport.write("x");
    } catch (const aio::usage_error&) {
      print("write after eof:", label());
    }
    co_await gone.wait();
    co_await client_gone.wait();
    print("eof_received returned", keep_open);
    print("  server:", fmt::format("{}", fmt::join(log, ", ")));
    print("  client:", fmt::format("{}", fmt::join(client_log, ", ")));
    server.close();
    co_await server.wait_closed();
  }
}

AIO_TWIN(proto_eof_keep_open) { aio::run(amain()); }

}  // namespace proto_eof_keep_open
