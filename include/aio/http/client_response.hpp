// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// client_response: what came back.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/connection_pool.hpp>
#include <aio/http/detail/exchange.hpp>
#include <aio/http/detail/inflate.hpp>
#include <aio/http/error.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/open_connection.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>

#include <boost/json/fwd.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::http {
namespace detail {

/// A response, and the connection that its body comes from.
class response_state {
 public:
  response_state(response_head head, connection_pool::slot slot)
      : head_(std::move(head)), slot_(std::move(slot)) {}

  const response_head& head() const noexcept { return head_; }
  inline void begin();
  inline coro<std::optional<std::string>> next_piece();
  inline coro<> read_all();
  /// Ends the use of the connection.
  void release() noexcept {
    while (try_step()) {
    }
    slot_.release(false);
  }
  void close() noexcept { slot_.release(false); }
  inline stream_pair detach();

  std::string method;
  std::string url;
  std::vector<std::shared_ptr<response_state>> history;
  std::optional<time_point> deadline;
  time_limit sock_read;
  bool decompress = true;
  std::size_t max_decompressed = 0;
  std::string body;    ///< what read_all() has read
  std::string unread;  ///< what was taken off the body and not yet handed out

 private:
  bool is_upgraded() const noexcept {
    return head_.status == 101 || (method == "CONNECT" && head_.status / 100 == 2);
  }
  bool is_over() const noexcept { return head_.body.is_done() && pending_.empty(); }
  void end() noexcept {
    if (!is_upgraded()) slot_.release(head_.keep_alive);
  }
  inline bool try_step() noexcept;
  inline std::string decode();
  inline coro<> receive();
  inline void step(std::string& out);

  response_head head_;
  connection_pool::slot slot_;
  std::unique_ptr<inflater> inflater_;
  std::string pending_;  ///< compressed payload
  std::size_t decompressed_ = 0;
  bool is_read_ = false;
  bool is_cut_ = false;
};

/// Once all is set: a response without a body needs no connection.
inline void response_state::begin() {
  const std::string_view coding = head_.fields.get("Content-Encoding", "");
  const bool is_known = equal_ignoring_case(coding, "gzip") ||
                        equal_ignoring_case(coding, "x-gzip") ||
                        equal_ignoring_case(coding, "deflate");
  if (can_inflate && decompress && is_known && !head_.body.is_done()) {
    inflater_ = std::make_unique<inflater>();
  }
  if (head_.body.is_done()) end();
}

/// Takes payload off what has come; there is some, and the body is not over.
inline void response_state::step(std::string& out) {
  auto& buffer = slot_.connection()->buffer;
  const body_piece piece = head_.body.next(buffer.data());
  (inflater_ ? pending_ : out).append(piece.payload);
  buffer.drop(piece.consumed);
  slot_.connection()->bytes_taken();
  if (const auto error = head_.body.error()) {
    throw client_payload_error("the body is not valid: " + std::string(error.text));
  }
  if (head_.body.is_done()) end();
}

/// Drops what has come of a body that nobody wants.
inline bool response_state::try_step() noexcept {
  if (!slot_.connection() || head_.body.is_done() || is_upgraded() ||
      slot_.connection()->buffer.empty()) {
    return false;
  }
  try {
    std::string dropped;
    step(dropped);
    pending_.clear();
    is_cut_ = true;
    return true;
  } catch (...) {
    return false;
  }
}

/// The next piece of what was compressed; empty if more must come first.
inline std::string response_state::decode() {
  constexpr std::size_t most = 64 * 1024;
  std::string out;
  std::string_view input = pending_;
  while (out.empty() && (!input.empty() || inflater_->has_more())) {
    inflater_->decode(input, out, most);
  }
  pending_.erase(0, pending_.size() - input.size());
  decompressed_ += out.size();
  if (decompressed_ > max_decompressed) {
    throw client_payload_error(
        "the body is too large once decompressed; see session_options");
  }
  return out;
}

inline coro<> response_state::receive() {
  time_limit limit = sock_read;
  bool is_total = false;
  if (deadline) {
    const duration left =
        std::max(*deadline - slot_.connection()->loop().time(), duration(1));
    is_total = !limit.has_value() || left < limit.value();
    if (is_total) limit = left;
  }
  bool came = false;
  try {
    auto receiving = receive_more(slot_.connection(), 0, limit);
    came = co_await std::move(receiving);
  } catch (const socket_timeout_error&) {
    if (is_total) throw request_timeout_error("the request took too long");
    throw;
  } catch (const client_os_error& e) {
    throw client_payload_error(std::string("the body is not complete: ") + e.what());
  }
  if (came) co_return;
  if (!head_.body.finish()) {
    throw client_payload_error("the body is not complete: the server disconnected");
  }
  end();
}

inline coro<std::optional<std::string>> response_state::next_piece() {
  bool is_good = false;
  const aio::detail::scope_exit guard([&] {
    if (is_good) return;
    is_cut_ = true;
    slot_.release(false);
  });
  std::string out = std::exchange(unread, {});
  if (out.empty() && is_cut_)
    throw client_payload_error("the body was not read to its end");
  while (out.empty()) {
    if (inflater_) out = decode();
    if (!out.empty() || is_over()) break;
    if (!slot_.connection()) {
      throw client_payload_error("the connection of the response was closed");
    }
    if (slot_.connection()->buffer.empty()) {
      co_await receive();
    } else {
      step(out);
    }
  }
  is_good = true;
  if (!out.empty()) co_return out;
  if (inflater_ && !inflater_->is_complete()) {
    is_good = false;
    throw client_payload_error("the compressed body is not complete");
  }
  co_return std::nullopt;
}

inline coro<> response_state::read_all() {
  if (is_read_) co_return;
  while (auto piece = co_await next_piece()) body += *piece;
  is_read_ = true;
}

inline stream_pair response_state::detach() {
  if (!is_upgraded() || !slot_.connection()) {
    throw usage_error("detach(): the server has not changed the protocol");
  }
  const intrusive_ptr<aio::detail::stream_connection> taken(slot_.detach().get());
  return {stream_reader(taken), stream_writer(taken)};
}

}  // namespace detail

/// What came back. The head is there; the body is read by text(), read(), json() or
/// chunk(). A handle, cheap to copy; when the last one goes before the body was read, the
/// connection is closed.
///
///     auto resp = co_await session.get("http://example.org/");
///     fmt::print("{} {}\n", resp.status(), co_await resp.text());
///
/// Once the body was read to its end the connection goes back to the session. So does
/// it after aio::with(resp, …) and release(), if all of the body has come already.
///
/// Cancellation: of all that is awaited: the connection is closed.
/// Throws:       client_payload_error – the body is cut off or not valid;
///               socket_timeout_error, request_timeout_error – see client_timeout;
///               client_ssl_error; cancelled_error
/// Like:         aiohttp.ClientResponse
class client_response {
 public:
  client_response() = default;
  explicit client_response(std::shared_ptr<detail::response_state> state) noexcept
      : state_(std::move(state)) {}

  int status() const { return state_->head().status; }
  const std::string& reason() const { return state_->head().reason; }
  bool ok() const { return status() < 400; }
  const http::headers& headers() const { return state_->head().fields; }
  /// The URL that answered, after redirects; without user and password.
  const std::string& url() const { return state_->url; }
  const std::string& method() const { return state_->method; }
  /// The responses that redirected, first one first.
  std::vector<client_response> history() const {
    std::vector<client_response> all;
    for (const auto& one : state_->history) all.emplace_back(one);
    return all;
  }
  /// "text/html": what the body is said to be, in lower case and without parameters.
  inline std::string content_type() const;
  /// "utf-8", if nothing else is said.
  inline std::string charset() const;

  /// All of the body. It is kept: a second call gives the same.
  ///
  /// Cancellation, Throws: see the class
  coro<std::string> read() const { return read_body(state_); }

  /// All of the body as UTF-8; what was sent in ISO-8859-1 is converted.
  ///
  /// Cancellation, Throws: see the class
  inline coro<std::string> text() const;

  /// All of the body as a value. Include <aio/http/json.hpp>, which is part of
  /// <aio/http.hpp>.
  ///
  /// Cancellation: see the class
  /// Throws:       content_type_error – it is not said to be JSON, except if `any_type`;
  ///               boost::system::system_error – it is none
  inline coro<boost::json::value> json(bool any_type = false) const;

  /// The next piece of the body, of whatever size it came in; none at its end. read()
  /// does not have what was taken in this way.
  ///
  ///     while (auto piece = co_await resp.chunk()) use(*piece);
  ///
  /// Cancellation, Throws: see the class
  coro<std::optional<std::string>> chunk() const { return next_chunk(state_); }

  /// The next line of the body, with its newline; what is left at the end; empty then.
  ///
  /// Cancellation, Throws: see the class
  coro<std::string> readline() const { return next_line(state_); }

  /// Ends the use of the body: the connection goes back if all of it has come.
  void release() const noexcept { state_->release(); }
  /// The same, and the connection is closed if the body was not read to its end.
  void close() const noexcept { state_->close(); }

  /// Throws: client_response_error – the status is 400 or above
  inline void raise_for_status() const;

  /// After 101 Switching Protocols, or CONNECT: the connection, with what has come on it
  /// and was not read. It does not belong to the session any more.
  ///
  /// Throws: usage_error – the protocol was not switched, or it was detached before
  stream_pair detach() const { return state_->detach(); }

  // As a resource of aio::with.

  /// Cancellation: does not wait, so nothing is stopped.
  coro<client_response&> enter() { co_return *this; }
  /// Cancellation: does not wait, so nothing is stopped.
  coro<> exit(std::exception_ptr) const { return exited(*this); }

 private:
  using state_ptr = std::shared_ptr<detail::response_state>;

  // Coroutines are not members: they keep the response, not a handle that may go.
  static coro<std::string> read_body(state_ptr of) {
    co_await of->read_all();
    co_return of->body;
  }
  static coro<std::string> read_text(state_ptr of, bool is_latin1);
  static inline coro<boost::json::value> read_json(client_response of, bool any_type);
  static coro<std::optional<std::string>> next_chunk(state_ptr of) {
    co_return co_await of->next_piece();
  }
  static inline coro<std::string> next_line(state_ptr of);
  static coro<> exited(client_response self) {
    self.release();
    co_return;
  }

  state_ptr state_;
};

inline std::string client_response::content_type() const {
  const std::string_view field =
      headers().get("Content-Type", "application/octet-stream");
  std::string out;
  for (const char c : detail::trimmed(field.substr(0, field.find(';')))) {
    out += detail::to_lower(c);
  }
  return out;
}

inline std::string client_response::charset() const {
  std::string_view rest = headers().get("Content-Type", "");
  std::string out;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view part = detail::trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    if (!detail::equal_ignoring_case(part.substr(0, equals), "charset")) continue;
    for (const char c : part.substr(std::min(equals + 1, part.size()))) {
      if (c != '"') out += detail::to_lower(c);
    }
  }
  return out.empty() ? "utf-8" : out;
}

inline coro<std::string> client_response::text() const {
  const std::string name = charset();
  return read_text(state_,
                   name == "iso-8859-1" || name == "latin-1" || name == "latin1");
}

inline coro<std::string> client_response::read_text(state_ptr of, bool is_latin1) {
  co_await of->read_all();
  if (!is_latin1) co_return of->body;
  std::string out;
  for (const char c : of->body) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  co_return out;
}

inline coro<std::string> client_response::next_line(state_ptr of) {
  std::string line;
  for (;;) {
    auto piece = co_await of->next_piece();
    if (!piece) co_return line;
    const std::size_t newline = piece->find('\n');
    if (newline == piece->npos) {
      line += *piece;
      continue;
    }
    line += piece->substr(0, newline + 1);
    of->unread = piece->substr(newline + 1);
    co_return line;
  }
}

inline void client_response::raise_for_status() const {
  if (ok()) return;
  release();
  throw client_response_error(status(), reason(), url(), headers());
}

}  // namespace aio::http
