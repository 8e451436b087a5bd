// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A server of bytes: it answers requests of HTTP with whatever a test says.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/net/start_server.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// What a peer does with one request. An answer that ends in `hang_up` closes the
/// connection after it, `stay_silent` sends nothing and keeps it.
inline constexpr std::string_view hang_up = "<close>";
inline constexpr std::string_view stay_silent = "<silence>";

inline std::string ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

class http_peer {
 public:
  /// Called with a request, head and body, and how many came before it.
  using answer = std::function<std::string(const std::string&, std::size_t)>;

  static aio::coro<http_peer> start(answer with, aio::server_options options = {}) {
    http_peer made;
    made.state_->with = std::move(with);
    const auto state = made.state_;
    auto handle = [state](aio::stream_reader reader, aio::stream_writer writer) {
      return serve(state, std::move(reader), std::move(writer));
    };
    auto starting = aio::start_server(std::move(handle), "127.0.0.1", 0, options);
    made.server_ = co_await std::move(starting);
    co_return made;
  }

  std::string url(std::string_view path = "/", std::string_view scheme = "http") const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port()) +
           std::string(path);
  }
  std::uint16_t port() const { return server_.port(); }
  const std::vector<std::string>& requests() const { return state_->requests; }
  int connections() const { return state_->connections; }
  int open() const { return state_->open; }

  aio::coro<> stop() {
    server_.close();
    server_.abort_clients();
    co_await server_.wait_closed();
  }

 private:
  struct shared {
    answer with;
    std::vector<std::string> requests;
    int connections = 0;
    int open = 0;
  };

  static std::size_t length_in(const std::string& head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == head.npos ? 0 : std::stoul(head.substr(at + 16));
  }

  static aio::coro<> serve(std::shared_ptr<shared> state, aio::stream_reader reader,
                           aio::stream_writer writer) {
    ++state->connections;
    ++state->open;
    try {
      for (;;) {
        std::string request = co_await reader.readuntil("\r\n\r\n");
        if (request.find("chunked") != request.npos) {
          std::string line;
          do {
            line = co_await reader.readline();
            request += line;
          } while (line != "0\r\n" && !line.empty());
          request += co_await reader.readline();
        } else {
          request += co_await reader.readexactly(length_in(request));
        }
        const std::size_t before = state->requests.size();
        state->requests.push_back(request);
        std::string bytes = state->with(request, before);
        if (bytes == stay_silent) continue;
        const bool is_last = bytes.ends_with(hang_up);
        if (is_last) bytes.resize(bytes.size() - hang_up.size());
        writer.write(bytes);
        co_await writer.drain();
        if (is_last) break;
      }
    } catch (const std::exception&) {  // the client is gone
    }
    writer.close();
    --state->open;
  }

  std::shared_ptr<shared> state_ = std::make_shared<shared>();
  aio::server server_;
};

}  // namespace test
