// SPDX-License-Identifier: BSL-1.0

#include "page_client.hpp"

#include <aio/web/websocket_response.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "client.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace chat {
namespace {

namespace web = aio::web;

constexpr std::size_t recalled = 50;  // messages that a newcomer is told
constexpr std::size_t listed = 200;   // people

class page_client final : public client {
 public:
  page_client(hub& of, web::websocket_response ws)
      : client(of, "page", to_string(ws.peername())), ws_(std::move(ws)) {}

  aio::coro<> run() {
    for (;;) {
      const std::optional<web::ws_message> text = co_await next();
      if (!text) break;
      co_await pace();
      obey(text->data);
    }
  }

  void hear(const news& of) noexcept override {
    if (ws_.closed()) return;
    ws_.write(of.frames());
    if (ws_.get_write_buffer_size() <= all().limits().max_unread) return;
    ++all().counts().slow;
    ends_because("slow");
    ws_.abort();
  }

  void dismiss() noexcept override {
    ends_because("restart");
    aio::create_task(ws_.close(web::ws_close_code::service_restart, "restart"));
  }

 private:
  /// The next text; none when it is over.
  aio::coro<std::optional<web::ws_message>> next() {
    std::optional<web::ws_message> came;
    bool is_silent = false;
    try {
      if (here()) {
        came = co_await ws_.next();
      } else {
        auto first = ws_.next();
        came = co_await aio::wait_for(std::move(first), all().limits().join_timeout);
      }
    } catch (const aio::timeout_error&) {
      is_silent = true;
    }
    if (is_silent) {
      ++all().counts().idle;
      ends_because("idle");
      co_await ws_.close(web::ws_close_code::policy_violation, "idle");
    } else if (came && !came->is_text()) {
      const bool is_error = came->type == web::ws_msg_type::error;
      ends_because(is_error ? "bad frame" : "no text");
      if (!is_error)
        co_await ws_.close(web::ws_close_code::unsupported_data, "no text");
      came.reset();
    }
    co_return came;
  }

  void obey(const std::string& text) {
    try {
      const wire::request wanted = wire::parse(text);
      if (const auto* const join = std::get_if<wire::join>(&wanted)) {
        enter(*join);
      } else {
        say_it(std::get<wire::say>(wanted));
      }
    } catch (const std::invalid_argument& error) {
      ++all().counts().refused;
      tell(wire::error(error.what()));
    }
  }

  void enter(const wire::join& wanted) {
    const std::string place = clean_name(wanted.room);
    const std::string called = clean_name(wanted.name);
    if (place.empty()) throw std::invalid_argument("\"room\" is missing");
    if (called.empty()) throw std::invalid_argument("\"name\" is missing");
    if (!go_to(place)) throw std::invalid_argument("there are too many rooms");
    if (!wanted.key.empty()) show_key(wanted.key);
    introduce(called);
    const std::size_t most = wanted.since ? all().limits().history : recalled;
    const room::memory memory = here()->recall(wanted.since, most);
    tell(wire::to_text(wire::welcome{.room = here()->name(),
                                     .name = name(),
                                     .me = me(),
                                     .count = here()->people(),
                                     .people = here()->names(listed),
                                     .history = memory.messages,
                                     .has_gap = memory.has_gap}));
  }

  void say_it(const wire::say& wanted) {
    if (!here()) throw std::invalid_argument("join a room first");
    const std::string_view refusal = say(clean_text(wanted.text), wanted.mark);
    if (!refusal.empty()) tell(wire::refused(wanted.mark, refusal));
  }

  void tell(const std::string& text) {
    if (ws_.closed()) return;
    ws_.write(aio::http::prepared_message().add_text(text));
  }

  web::websocket_response ws_;
};

}  // namespace

aio::coro<web::response> serve_page(hub& of, web::request& req) {
  if (of.is_full()) {
    ++of.counts().refused;
    throw web::service_unavailable("too many people are here");
  }
  web::websocket_response ws({.heartbeat = of.limits().heartbeat,
                              .timeout = of.limits().drain,
                              .compress = false,
                              // In JSON a byte may be six characters.
                              .max_msg_size = of.limits().max_message * 6 + 1024});
  co_await ws.prepare(req);
  page_client me(of, ws);
  co_await me.run();
  co_return ws;
}

}  // namespace chat
