// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of a web server: what it does with what it receives.

#pragma once

#include <aio/core/error.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/net/detail/reader_state.hpp>
#include <aio/net/transport.hpp>
#include <aio/task/task.hpp>
#include <aio/web/detail/connection.hpp>
#include <aio/web/detail/connection_output.hpp>
#include <aio/web/http_error.hpp>

#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web::detail {

// ----- the transport -----

inline void connection::connection_made(transport& t) {
  link_ = t;
  if (server_->is_full()) {
    constexpr std::string_view busy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: "
        "close\r\n\r\n";
    is_lost_ = true;
    link_.write(busy);
    link_.close();
    return;
  }
  server_->add(*this);
  coro<> body = serve(shared_from_this());
  task_ = aio::detail::start_task(server_->loop.core(), body, {.eager_start = true});
}

inline void connection::buffer_updated(std::size_t size) {
  input_.commit(size);
  if (is_lost_ || phase_ == phase::closing) {
    return input_.consume(input_.data().size());
  }
  if (has_body_) feed_body();
  if (waiting_ == nullptr) {
    return hold_back();
  }
  if (!look_for_request()) return wait_in_line();
  const std::shared_ptr<connection> keep = shared_from_this();
  output_ = server_->take_output();
  is_direct_ = true;
  waiting_->go_on();
  flush();
  is_direct_ = false;
  server_->give_back(std::move(output_));
}

/// What comes behind the request waits for its response.
inline void connection::hold_back() {
  if (is_body_open() || !input_.is_full() || is_lost_) return;
  is_reading_paused_ = true;
  link_.pause_reading();
}

inline bool connection::eof_received() {
  is_eof_ = true;
  if (is_body_open()) {
    break_body(std::make_exception_ptr(boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the client closed the connection before the end of its request")));
  }
  if (waiting_ != nullptr) {
    phase_ = phase::closing;
    waiting_->wake_up();
    return true;
  }
  // It may only have ended its side, and wait for the answer.
  return phase_ != phase::closing && !server_->limits.handler_cancellation;
}

inline void connection::connection_lost(std::exception_ptr) {
  if (phase_ != phase::taken) is_lost_ = true;
  if (phase_ == phase::closing) server_->remove(*this);
  deadline_line::member::unlink();
  writers_.wake_all();
  if (is_body_open()) {
    break_body(std::make_exception_ptr(boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the client closed the connection")));
  }
  if (waiting_ != nullptr) {
    phase_ = phase::closing;
    waiting_->wake_up();
  } else if (task_ && !task_->done() && server_->limits.handler_cancellation) {
    task_->cancel({});
  }
}

inline void connection::deadline_passed() {
  if (phase_ == phase::handling) {
    if (!is_body_open()) return;
    // The handler may be the one that does not read.
    if (!link_.is_reading() || body_->waiter == nullptr) {
      return server_->bodies.enter(*this);
    }
    return break_body(std::make_exception_ptr(request_timeout()));
  }
  if (waiting_ == nullptr) {
    if (phase_ == phase::closing) link_.abort();
    return;
  }
  if (parser_.has_begun() && !is_body_open()) {
    error_ = {408, "the head of a request did not come in time"};
  } else {
    phase_ = phase::closing;
  }
  waiting_->wake_up();
}

// ----- reading -----

inline void connection::feed_body() {
  while (is_body_open() && !input_.empty() && !decoder_.error()) {
    const auto [consumed, payload] = decoder_.next(input_.data());
    if (is_body_wanted_ && !payload.empty()) body_->feed(payload);
    input_.consume(consumed);
  }
  if (decoder_.error()) {
    is_closing_ = true;
    break_body(
        std::make_exception_ptr(bad_request(std::string(decoder_.error().text))));
  } else if (decoder_.is_done()) {
    end_of_body();
  } else if (is_body_wanted_) {
    server_->bodies.enter(*this);
  }
}

inline void connection::end_of_body() noexcept {
  has_body_ = false;
  if (phase_ == phase::handling) deadline_line::member::unlink();
  if (!body_) return;
  body_->feed_eof();
  if (body_->is_paused) link_.resume_reading();
  body_->source = transport();
}

/// Nothing more comes of it, and nothing behind it.
inline void connection::break_body(std::exception_ptr error) noexcept {
  has_body_ = false;
  is_closing_ = true;
  if (!body_) return;
  body_->is_error_last = true;
  body_->set_exception(std::move(error));
}

inline bool connection::look_for_request() {
  if (is_lost_ || is_closing_) phase_ = phase::closing;
  if (phase_ == phase::closing || error_) return true;
  if (is_body_open()) return false;  // of the request before: it is dropped
  if (server_->is_shutting_down() && !parser_.has_begun()) {
    phase_ = phase::closing;
    return true;
  }
  if (input_.empty()) {
    if (!is_eof_) return false;
    phase_ = phase::closing;
    return true;
  }
  if (!request_) request_ = server_->take_request();
  using enum http::detail::parse_state;
  switch (parser_.parse_request(input_.data(), request_->parts().head)) {
    case needs_more:
      if (!is_eof_) return false;
      phase_ = phase::closing;
      return true;
    case refused:
      error_ = parser_.error();
      return true;
    default:
      return true;
  }
}

inline void connection::wait_in_line() {
  if (phase_ == phase::closing || waiting_ == nullptr) return;
  if (is_body_open()) {
    if (!deadline_line::member::is_linked()) server_->lingering.enter(*this);
  } else if (!parser_.has_begun()) {
    if (!deadline_line::member::is_linked()) server_->idle.enter(*this);
  } else if (!is_reading_head_) {
    is_reading_head_ = true;
    server_->heads.enter(*this);
  }
}

inline void connection::begin_request() {
  request_parts& parts = request_->parts();
  deadline_line::member::unlink();
  is_reading_head_ = false;
  phase_ = phase::handling;
  ++requests_;
  status_ = 0;
  sent_ = 0;
  parts.on = this;
  if (server_->limits.access_log != nullptr) started_ = server_->loop.time();
  if (error_) return;
  // What becomes a WebSocket may keep its request for days, and there may be many.
  const bool has_moved = parts.head.has_body() ? input_.make_room_behind(parser_.size())
                                               : parts.head.upgrade && input_.shrink();
  if (has_moved) {
    parser_.reset();
    parser_.parse_request(input_.data(), parts.head);
  }
  input_.keep(parser_.size());
  parser_.reset();
  parts.split_target();
  must_continue_ = parts.head.expect_continue;
  has_body_ = parts.head.has_body();
  if (!has_body_) return hold_back();
  decoder_ = http::detail::body_decoder::of_request(parts.head);
  is_body_wanted_ = true;
  body_ = intrusive_ptr<reader_state>(new reader_state(64 * 1024));
  body_->source = link_;
  feed_body();
  hold_back();
}

inline void connection::expect_body() {
  if (!std::exchange(must_continue_, false) || !is_body_open() || is_lost()) return;
  if (status_ != 0) return;
  emit([](std::string& to) { to += "HTTP/1.1 100 Continue\r\n\r\n"; });
}

}  // namespace aio::web::detail
