// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// websocket: messages in both directions, on the server and the client alike.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/detail/websocket_core.hpp>
#include <aio/http/prepared_message.hpp>
#include <aio/http/websocket_message.hpp>
#include <aio/net/endpoint.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http {

/// A message of another kind came than was asked for.
///
/// Like: aiohttp.WSMessageTypeError (a TypeError)
class ws_message_type_error : public std::logic_error {
  using logic_error::logic_error;
};

/// What both ends of a WebSocket have in common. A handle, cheap to copy; when the last
/// one goes, the connection is closed.
///
///     while (auto message = co_await ws.next()) {
///       if (message->is_text()) co_await ws.send_str("you said " + message->data);
///     }
///
/// One task may receive while others send. Each message is sent whole, in the order of
/// the calls.
///
/// Cancellation: of receiving: nothing is lost. Of sending: only the waiting ends.
/// Like:         aiohttp.ClientWebSocketResponse, aiohttp.web.WebSocketResponse
class websocket {
 public:
  websocket() noexcept = default;

  // ----- receiving -----

  /// Waits for the next message. After the end there are some of type closed, and then
  /// usage_error, so that a loop that does not look at the type comes to an end.
  ///
  /// Cancellation: see the class
  /// Throws:       timeout_error – the receive_timeout is over; usage_error – another
  ///               task receives, or the fifth call after the end; cancelled_error
  coro<ws_message> receive() const {
    return detail::websocket_core::receive(core_ptr(), receive_timeout_);
  }
  /// The same with a time limit of its own.
  ///
  /// Cancellation, Throws: see above
  coro<ws_message> receive(time_limit timeout) const {
    return detail::websocket_core::receive(core_ptr(), timeout);
  }

  /// The same for a loop: none when the websocket is closed, whoever did it.
  ///
  /// Cancellation, Throws: see receive
  /// Like:                 async for message in ws
  coro<std::optional<ws_message>> next() const {
    return next_of(core_ptr(), receive_timeout_);
  }

  /// The text of a message that must be one.
  ///
  /// Cancellation: see the class
  /// Throws:       as receive; ws_message_type_error – something else came
  coro<std::string> receive_str() const {
    return data_of(core_ptr(), receive_timeout_, ws_msg_type::text);
  }
  /// The same of binary messages.
  ///
  /// Cancellation, Throws: see receive_str
  coro<std::string> receive_bytes() const {
    return data_of(core_ptr(), receive_timeout_, ws_msg_type::binary);
  }

  // ----- sending -----

  /// Sends a text, which must be UTF-8, and waits while much is not yet sent. It is queued
  /// by the call itself: the text need not stay.
  ///
  /// Cancellation: see the class
  /// Throws:       boost::system::system_error – the websocket is closed (thrown by the
  ///               call itself), or its connection is lost; cancelled_error
  coro<> send_str(std::string_view text) const {
    return send(detail::ws_opcode::text, text);
  }
  /// The same with any bytes.
  ///
  /// Cancellation, Throws: see send_str
  coro<> send_bytes(std::string_view bytes) const {
    return send(detail::ws_opcode::binary, bytes);
  }
  /// Cancellation, Throws: see send_str
  coro<> send_bytes(std::span<const std::byte> bytes) const {
    return send_bytes(
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  /// Sends a boost::json::value, or what of Boost.JSON can be serialized. (Include its
  /// header.)
  ///
  /// Cancellation, Throws: see send_str
  template <class Json>
  coro<> send_json(const Json& value) const {
    return send_str(serialize(value));
  }
  /// Cancellation, Throws: see send_str; std::invalid_argument – more than 125 bytes
  coro<> ping(std::string_view data = {}) const {
    return send(detail::ws_opcode::ping, checked(data));
  }
  /// Cancellation, Throws: see ping
  coro<> pong(std::string_view data = {}) const {
    return send(detail::ws_opcode::pong, checked(data));
  }

  /// Queues messages that were made for many, without waiting: where nobody must wait for
  /// one who does not read, look at get_write_buffer_size() and give him up.
  ///
  /// Throws: boost::system::system_error – the websocket is closed; usage_error – this
  ///         is a client: each frame of one is masked differently
  void write(const prepared_message& messages) const {
    core().write(messages.frames());
  }

  /// The bytes that the system has not taken yet.
  std::size_t get_write_buffer_size() const {
    return core().is_lost() ? 0 : core().link().get_write_buffer_size();
  }

  // ----- the end -----

  /// Drops the connection at once, with what was not sent yet. The close_code() is 1006.
  void abort() const { core().abort(); }

  /// Says goodbye, and waits for the peer to do so too: for ws_options::timeout, then the
  /// close_code() is 1006. Messages that were not received are dropped.
  ///
  /// Returns:      false if it was closed already, by whichever end
  /// Cancellation: gives the connection up.
  /// Throws:       std::invalid_argument – no code of RFC 6455, a message of more than 123
  ///               bytes or not UTF-8; cancelled_error
  coro<bool> close(int code = ws_close_code::ok, std::string_view message = {}) const {
    return detail::websocket_core::close(core_ptr(), code, std::string(message));
  }

  bool closed() const { return core().is_closed(); }
  /// Why it was closed: one of ws_close_code; 0 while it is open.
  int close_code() const { return core().close_code(); }
  /// What broke the connection, or null.
  std::exception_ptr exception() const { return core().error(); }
  /// The sub-protocol that was agreed on; empty if none was.
  const std::string& protocol() const noexcept { return protocol_; }
  endpoint peername() const { return core().link().peername(); }

  /// Whether there is a connection at all.
  explicit operator bool() const noexcept { return static_cast<bool>(owner_); }

 protected:
  /// The connection is there.
  void open(std::shared_ptr<detail::websocket_core> core, std::string protocol,
            time_limit receive_timeout) {
    owner_ = std::make_shared<owner>(std::move(core));
    protocol_ = std::move(protocol);
    receive_timeout_ = receive_timeout;
  }

  const std::shared_ptr<detail::websocket_core>& core_ptr() const {
    if (!owner_) throw usage_error("a websocket must be prepared before it is used");
    return owner_->core;
  }
  detail::websocket_core& core() const { return *core_ptr(); }

 private:
  struct owner {
    explicit owner(std::shared_ptr<detail::websocket_core> of) noexcept
        : core(std::move(of)) {}
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { core->abandon(); }

    std::shared_ptr<detail::websocket_core> core;
  };

  using core_pointer = std::shared_ptr<detail::websocket_core>;

  coro<> send(detail::ws_opcode opcode, std::string_view payload) const {
    core().send(opcode, payload);
    return detail::websocket_core::drained(core_ptr());
  }

  static std::string_view checked(std::string_view data) {
    if (data.size() > 125) {
      throw std::invalid_argument("a ping or pong has at most 125 bytes");
    }
    return data;
  }

  static coro<std::optional<ws_message>> next_of(core_pointer core, time_limit limit) {
    std::optional<ws_message> made =
        co_await detail::websocket_core::receive(std::move(core), limit);
    const ws_msg_type type = made->type;
    if (type == ws_msg_type::close || type == ws_msg_type::closing ||
        type == ws_msg_type::closed) {
      made.reset();
    }
    co_return made;
  }

  static coro<std::string> data_of(core_pointer core, time_limit limit,
                                   ws_msg_type wanted) {
    ws_message made = co_await detail::websocket_core::receive(std::move(core), limit);
    if (made.type != wanted) {
      throw ws_message_type_error(wanted == ws_msg_type::text
                                      ? "a message came that is not a text"
                                      : "a message came that is not binary");
    }
    co_return std::move(made.data);
  }

  std::shared_ptr<owner> owner_;
  std::string protocol_;
  time_limit receive_timeout_;
};

}  // namespace aio::http
