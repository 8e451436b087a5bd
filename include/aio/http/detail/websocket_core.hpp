// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a WebSocket, whichever: the protocol of its transport.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/core/handle.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/http/detail/websocket_deflate.hpp>
#include <aio/http/detail/websocket_frames.hpp>
#include <aio/http/websocket_message.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>
#include <aio/sync/event.hpp>
#include <aio/task/timeout.hpp>

#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http::detail {

enum class ws_side : unsigned char { client, server };

/// It answers pings and the close of the peer by itself; messages wait until they are
/// received, and if many do, no more is read.
class websocket_core final : public protocol,
                             public std::enable_shared_from_this<websocket_core> {
 public:
  websocket_core(ws_side side, const ws_options& options)
      : options_(options),
        side_(side),
        decoder_(side == ws_side::server, options.max_msg_size) {
    options_.protocols = {};  // those of the handshake, which may be gone
    has_room_.set();
  }
  ~websocket_core() override { stop_timers(); }

  /// Messages may be compressed; before start().
  void set_deflate(const ws_deflate& how) {
    decoder_.set_deflate(how);
#if AIO_WITH_ZLIB
    if (how.is_on) deflater_ = std::make_unique<ws_deflater>(how);
#endif
  }

  /// From here on it has the connection. `unread` came behind the handshake.
  void start(transport link, std::string_view unread) {
    link_ = std::move(link);
    loop_ = &aio::detail::loop_core::require_running();
    last_received_ = loop_->time();
    arm_heartbeat();
    const auto keep = shared_from_this();
    if (!unread.empty()) data_received(unread);
    if (!is_lost_) balance_reading();
  }

  /// Of a connection that had another protocol, which waits for its end, and a handle
  /// that would end it.
  void take_place_of(std::shared_ptr<base_protocol> former,
                     std::shared_ptr<void> handle) noexcept {
    former_ = std::move(former);
    kept_ = std::move(handle);
  }

  bool is_closed() const noexcept { return is_close_sent_ || is_lost_; }
  bool is_lost() const noexcept { return is_lost_; }
  int close_code() const noexcept { return close_code_; }
  std::exception_ptr error() const noexcept { return error_; }
  const transport& link() const noexcept { return link_; }

  // ----- receiving -----

  /// Cancellation: nothing is lost.
  static coro<ws_message> receive(std::shared_ptr<websocket_core> self,
                                  time_limit limit) {
    if (self->is_receiving_) {
      throw usage_error("a websocket: another task waits in receive() already");
    }
    if (self->queue_.empty() && self->is_closed()) co_return self->nothing_more();
    self->is_receiving_ = true;
    const aio::detail::scope_exit at_last([&] { self->is_receiving_ = false; });
    if (self->queue_.empty()) {
      self->came_.clear();
      if (limit.has_value()) {
        co_await wait_for(self->came_.wait(), limit);
      } else {
        co_await self->came_.wait();
      }
    }
    if (!self->queue_.empty()) co_return self->take();
    ws_message last;
    if (!self->is_lost_ && !self->is_close_received_) last.type = ws_msg_type::closing;
    last.code = self->close_code_;
    co_return last;
  }

  // ----- sending -----

  /// Queues a frame; then there may be more in the queue than should be.
  void send(ws_opcode opcode, std::string_view payload) {
    require_open();
    write_frame(opcode, payload);
  }

  /// The same with frames that were made for several.
  void write(std::string_view frames) {
    if (side_ == ws_side::client) {
      throw usage_error("prepared messages are for the websockets of servers");
    }
    require_open();
    link_.write(frames);
  }

  /// Cancellation: stops waiting; what was sent is sent.
  static coro<> drained(std::shared_ptr<websocket_core> self) {
    co_await self->has_room_.wait();
    if (self->error_) std::rethrow_exception(self->error_);
  }

  // ----- the end -----

  /// Cancellation: gives the connection up.
  static coro<bool> close(std::shared_ptr<websocket_core> self, int code,
                          std::string reason) {
    if (self->is_closed()) co_return false;
    self->send_close(code, reason);
    self->drop_messages();
    self->came_.set();
    if (!self->is_close_received_ && !self->is_lost_) {
      self->balance_reading();
      const aio::detail::scope_exit at_last([&] {
        if (self->is_close_received_ || self->is_lost_) return;
        self->close_code_ = ws_close_code::abnormal_closure;
        self->link_.abort();
      });
      try {
        co_await wait_for(self->ended_.wait(), self->options_.timeout);
      } catch (const timeout_error&) {
      }
    }
    if (!self->is_lost_) self->link_.close();
    co_return true;
  }

  /// Says that it is over, and leaves the rest to the transport.
  void leave(int code, std::string_view reason = {}) noexcept {
    if (!loop_ || is_lost_) return;
    try {
      if (!is_close_sent_) send_close(code, reason);
      drop_messages();
      came_.set();
      if (is_close_received_) {
        link_.close();
      } else {
        balance_reading();
        linger();
      }
    } catch (...) {
      link_.abort();
    }
  }

  /// Drops the connection.
  void abort() { link_.abort(); }

  /// Nobody holds it any more.
  void abandon() noexcept {
    if (!loop_ || is_lost_) return;
    try {
      if (!is_close_sent_) send_close(ws_close_code::ok, {});
    } catch (...) {
    }
    link_.close();
  }

 private:
  static constexpr std::size_t much = 64 * 1024;
  static constexpr std::size_t worth_compressing = 128;

  // ----- what the transport says -----

  void data_received(std::string_view bytes) override {
    last_received_ = loop_->time();
    is_pong_due_ = false;
    using kind = ws_decoder::event::kind;
    while (!is_close_received_ && !is_failed_) {
      ws_decoder::event made = decoder_.next(bytes);
      if (made.what == kind::none) break;
      if (made.what == kind::failure) {
        fail(made.code, made.reason);
      } else if (made.what == kind::control) {
        take_control(made);
      } else {
        const auto type =
            made.opcode == ws_opcode::text ? ws_msg_type::text : ws_msg_type::binary;
        keep({type, std::move(made.data), 0});
      }
    }
    if (!is_lost_) balance_reading();
  }

  /// A peer that has said goodbye and sends no more still waits for the answer.
  bool eof_received() override { return is_close_received_ && !is_closed(); }

  void connection_lost(std::exception_ptr error) override {
    is_lost_ = true;
    error_ = std::move(error);
    if (close_code_ == 0) close_code_ = ws_close_code::abnormal_closure;
    stop_timers();
    came_.set();
    ended_.set();
    has_room_.set();
    if (const auto former = std::move(former_)) former->connection_lost(error_);
    kept_.reset();
  }

  void pause_writing() override {
    is_writing_paused_ = true;
    has_room_.clear();
  }
  void resume_writing() override {
    is_writing_paused_ = false;
    has_room_.set();
    balance_reading();
  }

  void take_control(ws_decoder::event& frame) {
    if (frame.opcode == ws_opcode::close) return take_close(frame);
    const bool is_ping = frame.opcode == ws_opcode::ping;
    if (!options_.autoping) {
      keep({is_ping ? ws_msg_type::ping : ws_msg_type::pong, std::move(frame.data), 0});
    } else if (is_ping && !is_close_sent_) {
      write_frame(ws_opcode::pong, frame.data);
    }
  }

  void take_close(ws_decoder::event& frame) {
    is_close_received_ = true;
    close_code_ = frame.code;
    if (!is_close_sent_) {
      keep({ws_msg_type::close, frame.data, frame.code});
      if (options_.autoclose) answer_close_soon();
    }
    ended_.set();
    if (!is_close_sent_) return;
    stop_timers();
    link_.close();
  }

  // Why not at once: who answers the message before would be told that it is too late.
  void answer_close_soon() {
    stop_timers();
    heartbeat_ = timer_handle(aio::detail::call_at(
        *loop_, aio::detail::deadline_after(loop_->time(), std::chrono::seconds(1)),
        [this] { answer_close(); }));
  }

  void answer_close() {
    if (is_closed()) return;
    const bool has_code = close_code_ != ws_close_code::no_status;
    is_close_sent_ = true;
    write_frame(ws_opcode::close,
                has_code ? close_payload(close_code_, {}) : std::string());
    stop_timers();
    link_.close();
  }

  /// The peer broke the rules: it is told so, and what it still sends is dropped until
  /// it closes. (A connection closed at once could take our last frame with it.)
  void fail(int code, std::string_view reason) {
    is_failed_ = true;
    if (!is_close_sent_) {
      send_close(code, reason);
      keep({ws_msg_type::error, std::string(reason), code});
    }
    close_code_ = code;
    ended_.set();
    linger();
  }

  // ----- messages -----

  void keep(ws_message message) {
    if (is_close_sent_ && message.type != ws_msg_type::error) return;
    queued_ += message.data.size() + sizeof message;
    queue_.push_back(std::move(message));
    came_.set();
  }

  ws_message take() {
    ws_message first = std::move(queue_.front());
    queue_.pop_front();
    queued_ -= first.data.size() + sizeof first;
    if (first.type == ws_msg_type::close && options_.autoclose) answer_close();
    if (!is_lost_) balance_reading();
    return first;
  }

  ws_message nothing_more() {
    if (++asked_after_end_ >= 5) {
      throw usage_error("a websocket that is closed was asked for messages five times");
    }
    ws_message none;
    none.code = close_code_;
    return none;
  }

  void drop_messages() noexcept {
    queue_.clear();
    queued_ = 0;
  }

  /// What is not received must not pile up, nor the answers to pings.
  void balance_reading() {
    if (link_.is_closing()) return;
    const bool is_enough = queued_ > much || is_writing_paused_;
    if (is_enough && !is_close_sent_) {
      link_.pause_reading();
    } else {
      link_.resume_reading();
    }
  }

  // ----- frames -----

  void require_open() const {
    if (!is_closed()) return;
    throw boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the websocket is closed");
  }

  void write_frame(ws_opcode opcode, std::string_view payload) {
    std::string frame;
#if AIO_WITH_ZLIB
    const bool is_data = opcode == ws_opcode::text || opcode == ws_opcode::binary;
    if (deflater_ && is_data && payload.size() >= worth_compressing) {
      append_frame(frame, opcode, deflater_->compress(payload),
                   side_ == ws_side::client, true);
      return link_.write(frame);
    }
#endif
    append_frame(frame, opcode, payload, side_ == ws_side::client);
    link_.write(frame);
  }

  void send_close(int code, std::string_view reason) {
    utf8_checker text;
    if (!is_close_code(code) || reason.size() > 123 || !text.feed(reason) ||
        !text.is_complete()) {
      throw std::invalid_argument(
          "a websocket is closed with a code of RFC 6455 (or 3000 to 4999), and at "
          "most "
          "123 bytes of text");
    }
    write_frame(ws_opcode::close, close_payload(code, reason));
    is_close_sent_ = true;
    if (close_code_ == 0) close_code_ = code;
  }

  // ----- time -----

  void arm_heartbeat() {
    if (!options_.heartbeat.has_value()) return;
    const duration silence = options_.heartbeat.value();
    heartbeat_ = timer_handle(aio::detail::call_at(
        *loop_, aio::detail::deadline_after(last_received_, silence), [this, silence] {
          if (loop_->time() - last_received_ < silence) return arm_heartbeat();
          if (is_close_sent_ || is_lost_) return;
          write_frame(ws_opcode::ping, {});
          await_pong(silence / 2);
        }));
  }

  void await_pong(duration limit) {
    is_pong_due_ = true;
    heartbeat_ = timer_handle(aio::detail::call_at(
        *loop_, aio::detail::deadline_after(loop_->time(), limit), [this] {
          if (!is_pong_due_) return arm_heartbeat();
          close_code_ = ws_close_code::abnormal_closure;
          link_.abort();
        }));
  }

  /// Waits for the peer's end, but not for ever.
  void linger() {
    stop_timers();
    heartbeat_ = timer_handle(aio::detail::call_at(
        *loop_, aio::detail::deadline_after(loop_->time(), options_.timeout),
        [this] { link_.abort(); }));
  }

  void stop_timers() noexcept { heartbeat_.cancel(); }

  ws_options options_;
  ws_side side_;
  ws_decoder decoder_;
#if AIO_WITH_ZLIB
  std::unique_ptr<ws_deflater> deflater_;
#endif
  transport link_;
  aio::detail::loop_core* loop_ = nullptr;
  std::shared_ptr<base_protocol> former_;
  std::shared_ptr<void> kept_;
  std::deque<ws_message> queue_;
  std::size_t queued_ = 0;
  event came_;
  event ended_;
  event has_room_;
  std::exception_ptr error_;
  time_point last_received_{};
  timer_handle heartbeat_;
  int close_code_ = 0;
  int asked_after_end_ = 0;
  bool is_receiving_ = false;
  bool is_pong_due_ = false;
  bool is_close_sent_ = false;
  bool is_close_received_ = false;
  bool is_failed_ = false;
  bool is_lost_ = false;
  bool is_writing_paused_ = false;
};

}  // namespace aio::http::detail
