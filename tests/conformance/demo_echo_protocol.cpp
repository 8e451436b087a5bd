// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace demo_echo_protocol {
using namespace conformance;

class echo_server : public aio::protocol {
 public:
  explicit echo_server(std::optional<aio::event>& gone) : gone_(gone) {}

  void connection_made(aio::transport& transport) override {
    transport_ = transport;
    print("server: connection made");
  }

  void data_received(std::string_view data) override {
    print("server: data received:", data);
    transport_.write(data);
    transport_.close();
  }

  void connection_lost(std::exception_ptr error) override {
    print("server: connection lost", error ? "with error" : "without error");
    gone_->set();
  }

 private:
  std::optional<aio::event>& gone_;
  aio::transport transport_;
};

class echo_client : public aio::protocol {
 public:
  echo_client(std::string message, aio::future<std::string> on_lost)
      : message_(std::move(message)), on_lost_(std::move(on_lost)) {}

  void connection_made(aio::transport& transport) override {
    transport.write(message_);
  }

  void data_received(std::string_view data) override { answer_ += data; }

  void connection_lost(std::exception_ptr) override { on_lost_.set_result(answer_); }

 private:
  std::string message_;
  aio::future<std::string> on_lost_;
  std::string answer_;
};

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  std::optional<aio::event> server_gone;
  const auto make_server = [&] { return std::make_unique<echo_server>(server_gone); };
  const aio::server server = co_await loop.create_server(make_server, "127.0.0.1", 0);
  const std::uint16_t port = server.port();
  const std::array<std::string, 2> messages{"Hello World!", "Again"};
  for (const std::string& message : messages) {
    server_gone.emplace();
    const auto on_lost = loop.create_future<std::string>();
    const auto make_client = [&] {
      return std::make_unique<echo_client>(message, on_lost);
    };
    auto connected = co_await loop.create_connection(make_client, "127.0.0.1", port);
    std::string answer;
    {
      const aio::detail::scope_exit at_last([&] { connected.first.close(); });
      answer = co_await on_lost;
    }
    co_await server_gone->wait();
    print("client: received:", answer);
  }
  server.close();
  co_await server.wait_closed();
}

AIO_TWIN(demo_echo_protocol) { aio::run(amain()); }

}  // namespace demo_echo_protocol
