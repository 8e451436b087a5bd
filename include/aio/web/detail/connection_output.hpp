// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of a web server: responses and what they are sent with.

#pragma once

#include <aio/core/error.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/protocol.hpp>
#include <aio/web/detail/connection.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/detail/response_head.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web::detail {

inline void connection::send(response& what) {
  if (what.is_sent() || status_ != 0) {
    if (status_ == 0 || !what.is_sent()) {
      server_->loop.core().call_exception_handler(
          {status_ == 0 ? "a handler says that it sent a response, and did not"
                        : "a handler returned a response after it sent another",
           nullptr,
           {}});
      is_closing_ = true;
      link_.abort();
      return;
    }
    return end_body();
  }
  const int status = what.status();
  const bool has_no_body = status < 200 || status == 204 || status == 304;
  const bool keep = may_keep(what);
  const response_start start{
      status,
      what.reason(),
      what.headers(),
      what.body().empty() ? std::string_view() : what.default_content_type(),
      has_no_body ? body_framing::none : body_framing::length,
      what.body().size(),
      keep};
  status_ = status;
  if (!keep) is_closing_ = true;
  const bool sends_body = !has_no_body && request_->method() != "HEAD";
  const bool is_large = sends_body && what.body().size() >= worth_no_copy;
  emit([&](std::string& to) {
    write_response_head(
        to, start, request_->minor_version(), server_->date(),
        sends_body && !is_large ? std::string_view(what.body()) : std::string_view());
  });
  if (is_large) {
    flush();
    sent_ += what.body().size();
    if (!is_lost_) link_.write(what.body());
  }
}

inline void connection::start_response(request&, const response_start& given) {
  if (status_ != 0) throw usage_error("the request was answered already");
  response_start start = given;
  const bool is_head = request_->method() == "HEAD";
  start.keep_alive =
      may_keep(given.keep_alive) && start.framing != body_framing::until_close;
  if (!start.keep_alive) is_closing_ = true;
  status_ = start.status;
  framing_ = is_head ? body_framing::none : start.framing;
  body_left_ = start.length;
  emit([&](std::string& to) {
    write_response_head(to, start, request_->minor_version(), server_->date());
  });
}

inline void connection::write_body(std::string_view bytes) {
  if (framing_ == body_framing::none || bytes.empty()) return;
  if (framing_ == body_framing::length) body_left_ -= bytes.size();
  if (bytes.size() < worth_no_copy) {
    emit([&](std::string& to) {
      if (framing_ == body_framing::chunked) {
        http::detail::write_chunk(to, bytes);
      } else {
        to += bytes;
      }
    });
    return;
  }
  flush();
  sent_ += bytes.size();
  if (framing_ == body_framing::chunked) {
    const http::detail::chunk_head size(bytes.size());
    const std::string_view pieces[] = {size, bytes, "\r\n"};
    link_.writelines(pieces);
  } else {
    link_.write(bytes);
  }
}

inline void connection::end_body() {
  if (framing_ == body_framing::length && body_left_ > 0) {
    server_->loop.core().call_exception_handler(
        {"a response is shorter than its Content-Length", nullptr, {}});
    is_closing_ = true;  // so that the client sees it
  }
  if (framing_ == body_framing::chunked) {
    emit([](std::string& to) { to += http::detail::last_chunk; });
  }
  framing_ = body_framing::none;
}

inline taken_connection connection::take_over(const http::headers& fields,
                                              std::shared_ptr<base_protocol> next) {
  require_client(*this);
  if (status_ != 0) throw usage_error("the request was answered already");
  if (request_->minor_version() == 0) throw usage_error("HTTP/1.0 has no upgrades");
  if (is_body_open()) throw usage_error("the body of the request was not read");
  emit([&](std::string& to) {
    to += "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n";
    append_fields(to, fields, given_fields(fields));
    to += "\r\n";
  });
  flush();
  status_ = 101;
  deadline_line::member::unlink();
  link_.pause_reading();
  link_.set_protocol(std::move(next));
  phase_ = phase::taken;
  taken_connection taken{link_, std::string(input_.data())};
  input_.consume(taken.unread.size());
  return taken;
}

}  // namespace aio::web::detail
