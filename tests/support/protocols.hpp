// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A protocol that remembers what it was told, and both ends of a connection of two.

#pragma once

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/tools.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// `log` has one word per callback; bytes are collected in `received`.
class recorder : public aio::protocol {
 public:
  void connection_made(aio::transport& t) override {
    transport = t;
    log += "made";
    if (on_made) on_made(t);
  }
  void data_received(std::string_view data) override {
    if (received.empty()) log += " data";
    received += data;
    if (on_data) on_data(data);
  }
  bool eof_received() override {
    log += " eof";
    if (on_eof) on_eof();
    return keep_open;
  }
  void pause_writing() override {
    log += " pause";
    if (on_pause) on_pause();
  }
  void resume_writing() override { log += " resume"; }
  void connection_lost(std::exception_ptr why) override {
    log += why ? " lost with an error" : " lost";
    error = why;
    ended = true;
    if (on_lost) on_lost();
  }

  aio::transport transport;
  std::string log;
  std::string received;
  std::exception_ptr error;
  bool ended = false;
  bool keep_open = false;
  std::function<void(aio::transport&)> on_made;
  std::function<void(std::string_view)> on_data;
  std::function<void()> on_eof;
  std::function<void()> on_pause;
  std::function<void()> on_lost;
};

struct protocol_link {
  std::shared_ptr<recorder> client;
  std::shared_ptr<recorder> server;
};

/// A connection of two protocols; nobody listens any more.
inline aio::coro<protocol_link> connect_protocols(aio::event_loop& loop,
                                                  std::shared_ptr<recorder> client,
                                                  std::shared_ptr<recorder> server) {
  auto listening = co_await loop.create_server([&] { return server; }, "127.0.0.1", 0);
  static_cast<void>(co_await loop.create_connection([&] { return client; }, "127.0.0.1",
                                                    listening.port()));
  while (!server->transport) co_await polls(1);
  listening.close();
  protocol_link made{client, server};
  co_return made;
}
inline aio::coro<protocol_link> connect_protocols(aio::event_loop& loop) {
  return connect_protocols(loop, std::make_shared<recorder>(),
                           std::make_shared<recorder>());
}

}  // namespace test
