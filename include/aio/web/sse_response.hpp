// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// sse_response: events for browsers, as they happen.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/web/request.hpp>
#include <aio/web/stream_response.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aio::web {

/// What may be said of an event beside its data.
struct sse_event {
  std::string_view event = {};
  std::string_view id = {};
  /// When the browser is to connect again after a loss.
  std::optional<std::chrono::milliseconds> retry = {};
};

/// Server-sent events: text/event-stream.
///
///     aio::web::sse_response events;
///     co_await events.prepare(req);
///     for (;;) {
///       co_await events.send(co_await prices.get(), {.event = "price"});
///     }
///
/// It lasts until the handler ends or the client is gone, which send() tells by its
/// exception; ping() does it where there is nothing to say for long.
///
/// Like: aiohttp_sse.EventSourceResponse
class sse_response : public stream_response {
 public:
  sse_response() {
    headers().set("Content-Type", "text/event-stream");
    headers().set("Cache-Control", "no-cache");
    headers().set("X-Accel-Buffering", "no");
  }

  /// `data` may have several lines.
  ///
  /// Cancellation, Throws: see stream_response::write; std::invalid_argument – an event
  ///                       or id of several lines
  coro<> send(std::string_view data, const sse_event& more = {}) {
    return send_text(format(data, more));
  }
  /// A comment, which keeps the connection open.
  ///
  /// Cancellation, Throws: see stream_response::write
  coro<> ping() { return send_text(": ping\r\n\r\n"); }

 private:
  coro<> send_text(std::string text) { co_await write(text); }

  static void check(std::string_view field) {
    if (field.find_first_of("\r\n") != field.npos) {
      throw std::invalid_argument("the name or id of an event has one line");
    }
  }

  static std::string format(std::string_view data, const sse_event& more) {
    check(more.event);
    check(more.id);
    std::string text;
    if (!more.id.empty()) text.append("id: ").append(more.id).append("\r\n");
    if (!more.event.empty()) text.append("event: ").append(more.event).append("\r\n");
    for (;;) {
      const std::size_t end = data.find_first_of("\r\n");
      text.append("data: ").append(data.substr(0, end)).append("\r\n");
      if (end == data.npos) break;
      data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
    }
    if (more.retry) {
      text.append("retry: ").append(std::to_string(more.retry->count())).append("\r\n");
    }
    text += "\r\n";
    return text;
  }
};

}  // namespace aio::web
