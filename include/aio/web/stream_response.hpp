// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// stream_response: a body that is made while it is sent.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/web/detail/deflate.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace aio::web {

/// A response that is sent piece by piece.
///
///     aio::web::stream_response resp;
///     resp.headers().set("Content-Type", "text/csv");
///     co_await resp.prepare(req);
///     for (const std::string& line : lines) co_await resp.write(line);
///     co_return resp;  // ends the body
///
/// The body is chunked, unless its length is said before, or the client knows no chunks:
/// it then ends with the connection.
///
/// Like: aiohttp.web.StreamResponse
class stream_response : public response_base {
 public:
  /// Throws: std::invalid_argument – no status
  explicit stream_response(int status = 200)
      : response_base(status, "application/octet-stream") {}

  /// Says how long the body will be; before prepare().
  void set_content_length(std::uint64_t bytes) noexcept { length_ = bytes; }

  bool is_prepared() const noexcept { return on_ != nullptr; }

  /// Sends the head; status and fields are final then.
  ///
  /// Cancellation: as await of what on_response_prepare awaits, and of room for writing.
  /// Throws:       usage_error – prepared already, or the request was answered by
  ///               another; boost::system::system_error – the client is gone
  coro<> prepare(request& req) {
    if (on_ != nullptr) throw usage_error("prepare() was called already");
    detail::exchange& on = *req.parts().on;
    detail::require_client(on);
    if (on.watches_responses()) co_await on.before_response(req, *this);
    if (compresses()) choose_coding(req);
    on.start_response(req, start(req));
    on_ = &on;
  }

  /// Sends the next bytes of the body, and waits while too many are queued.
  ///
  /// Cancellation: of the waiting; the bytes are sent.
  /// Throws:       usage_error – before prepare(), after write_eof(), or more than the
  ///               length that was said; boost::system::system_error – the client is
  ///               gone; cancelled_error
  coro<> write(std::string_view bytes) {
    detail::exchange& on = opened();
    detail::require_client(on);
    if (compressed_) {
      on.write_body(compressed_->compress(bytes, false));
      co_await detail::writing_room(on);
      co_return;
    }
    if (length_) {
      if (bytes.size() > *length_) throw usage_error("more than the Content-Length");
      *length_ -= bytes.size();
    }
    on.write_body(bytes);
    co_await detail::writing_room(on);
  }

  /// Ends the body, after `last`. Without it the body ends with the handler.
  ///
  /// Cancellation, Throws: see write
  coro<> write_eof(std::string_view last = {}) {
    if (is_ended_) co_return;
    if (!last.empty()) co_await write(last);
    finish();
  }

  /// What the handler returns.
  operator response() && {
    if (is_prepared() && !is_ended_) finish();
    return response::sent();
  }

 private:
  void finish() {
    detail::exchange& on = opened();
    if (compressed_) on.write_body(compressed_->compress({}, true));
    on.end_body();
    is_ended_ = true;
  }

  void choose_coding(const request& req) {
    if (headers().contains("Content-Encoding")) return;
    const auto coding = detail::choose_coding(req.header("accept-encoding"));
    headers().add("Vary", "Accept-Encoding");
    if (coding.empty()) return;
    headers().set("Content-Encoding", coding);
    compressed_ = std::make_unique<detail::deflater>(coding);
    length_.reset();
  }

  detail::response_start start(const request& req) const {
    const int minor = req.minor_version();
    detail::response_start made{status(),
                                reason(),
                                headers(),
                                default_content_type(),
                                detail::body_framing::chunked,
                                0,
                                !closes()};
    if (status() < 200 || status() == 204 || status() == 304) {
      made.framing = detail::body_framing::none;
    } else if (length_) {
      made.framing = detail::body_framing::length;
      made.length = static_cast<std::size_t>(*length_);
    } else if (minor == 0) {
      made.framing = detail::body_framing::until_close;
    }
    return made;
  }

  detail::exchange& opened() const {
    if (on_ == nullptr)
      throw usage_error("a response must be prepared before it is written");
    if (is_ended_) throw usage_error("write() after write_eof()");
    return *on_;
  }

  detail::exchange* on_ = nullptr;
  std::optional<std::uint64_t> length_;
  std::unique_ptr<detail::deflater> compressed_;
  bool is_ended_ = false;
};

}  // namespace aio::web
