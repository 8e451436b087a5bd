// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// stream_writer: bytes to a connection, and its end.

#pragma once

#include <aio/coro/wait_list.hpp>
#include <aio/net/detail/handshake_wait.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/net/start_tls.hpp>
#include <aio/net/tls_transport.hpp>
#include <aio/net/transport.hpp>

#include <coroutine>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

namespace aio {
namespace detail {

/// `co_await writer.drain()`.
class [[nodiscard]] drain_operation {
 public:
  explicit drain_operation(intrusive_ptr<stream_connection> of) : of_(std::move(of)) {}

  auto operator co_await() && { return awaiter(std::move(of_)); }

 private:
  class awaiter final : public wait_list::waiter {
   public:
    explicit awaiter(intrusive_ptr<stream_connection> of) : of_(std::move(of)) {}

    bool await_ready() const {
      return of_->error || of_->is_lost() ||
             (!of_->is_writing_paused && !of_->is_closing());
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      if (of_->is_writing_paused) {
        wait_in(of_->draining, frame.promise());
      } else {
        give_way(frame.promise());  // so that the loss of a closing one is seen
      }
    }
    void await_resume() {
      throw_if_cancelled();
      of_->check_writable();
    }

   private:
    intrusive_ptr<stream_connection> of_;
  };

  intrusive_ptr<stream_connection> of_;
};

/// `co_await writer.wait_closed()`.
class [[nodiscard]] wait_closed_operation {
 public:
  explicit wait_closed_operation(intrusive_ptr<stream_connection> of)
      : of_(std::move(of)) {}

  auto operator co_await() && { return awaiter(std::move(of_)); }

 private:
  class awaiter final : public wait_list::waiter {
   public:
    explicit awaiter(intrusive_ptr<stream_connection> of) : of_(std::move(of)) {}

    bool await_ready() const noexcept { return of_->is_lost(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      wait_in(of_->closing, frame.promise());
    }
    void await_resume() {
      throw_if_cancelled();
      if (of_->error) std::rethrow_exception(of_->error);
    }

   private:
    intrusive_ptr<stream_connection> of_;
  };

  intrusive_ptr<stream_connection> of_;
};

inline coro<> secure_streams(intrusive_ptr<stream_connection> of,
                             tls_settings settings) {
  co_await drain_operation(of);
  check_can_start_tls(of->source);
  if (of->is_ended) {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "start_tls: the peer has closed the connection");
  }
  const intrusive_ptr<tls_transport> secured(new tls_transport(
      of->loop(), intrusive_ptr<stream_interface>(&of->source.impl()), settings));
  // From here on writes wait for the end of the handshake.
  of->source = transport(secured);
  std::string early = of->buffer.take(of->buffer.size());
  of->bytes_taken();
  auto handshake =
      upgrade_transport(secured, stream_connection::as_protocol(of), std::move(early));
  co_await std::move(handshake);
}

}  // namespace detail

/// The writing half of a stream. A handle, cheap to copy; when the last one of a
/// connection goes, the connection is closed (what was written is still sent).
///
///     writer.write(line);
///     co_await writer.drain();
///
/// Like: asyncio.StreamWriter
class stream_writer {
  using connection = detail::stream_connection;

 public:
  stream_writer() noexcept = default;
  explicit stream_writer(detail::intrusive_ptr<connection> of) noexcept
      : of_(std::move(of)) {
    if (of_) of_->add_writer();
  }
  stream_writer(const stream_writer& other) noexcept : stream_writer(other.of_) {}
  stream_writer(stream_writer&& other) noexcept = default;
  ~stream_writer() {
    if (of_) of_->drop_writer();
  }
  stream_writer& operator=(stream_writer other) noexcept {
    std::swap(of_, other.of_);
    return *this;
  }

  explicit operator bool() const noexcept { return static_cast<bool>(of_); }
  friend bool operator==(const stream_writer& a, const stream_writer& b) noexcept {
    return a.of_ == b.of_;
  }
  /// Some order, so that writers can be kept in a std::set or std::map.
  friend bool operator<(const stream_writer& a, const stream_writer& b) noexcept {
    return std::less<>()(a.of_.get(), b.of_.get());
  }

  /// Sends `bytes` at once as far as the kernel takes them, and queues the rest; small
  /// writes of one turn may leave together on the next. Never waits: follow it with
  /// drain(). On a lost connection the bytes are dropped.
  ///
  /// Throws: usage_error – after write_eof()
  void write(std::string_view bytes) const { open().source.write(bytes); }

  /// write() for each of a range of byte strings; they leave in as few calls as can be.
  template <std::ranges::input_range R>
  void writelines(R&& list) const {
    open().source.writelines(std::forward<R>(list));
  }

  /// write() and drain() in one.
  ///
  /// Cancellation, Throws: see drain and write
  detail::drain_operation write_all(std::string_view bytes) const {
    write(bytes);
    return drain();
  }

  /// Waits until the queue is short enough to go on: below the high-water mark it does
  /// not suspend, above it it waits for the low-water mark. Any number of tasks may.
  ///
  /// Cancellation: stops waiting; what was written is still sent.
  /// Throws:       cancelled_error; what broke the connection; system_error
  ///               (connection_reset) – it is closed
  detail::drain_operation drain() const { return detail::drain_operation(required()); }

  /// Says that nothing will follow, once all is sent; reading goes on.
  void write_eof() const { open().source.write_eof(); }
  bool can_write_eof() const { return open().source.can_write_eof(); }

  /// Sends what is queued, then closes both directions. May be repeated.
  void close() const { open().source.close(); }
  bool is_closing() const { return open().is_closing(); }

  /// Waits until the connection is closed.
  ///
  /// Cancellation: stops waiting; the connection closes all the same.
  /// Throws:       cancelled_error; what broke the connection
  detail::wait_closed_operation wait_closed() const {
    return detail::wait_closed_operation(required());
  }

  /// The address of the other end, also after the end.
  endpoint peername() const { return open().source.peername(); }
  /// Our address, also after the end.
  endpoint sockname() const { return open().source.sockname(); }

  /// Goes on with TLS on this connection: waits until what was written has left, and
  /// for the handshake. The connections of a server take the server's side, others that
  /// of the context.
  ///
  ///     writer.write("STARTTLS\r\n");
  ///     std::string answer = co_await reader.readline();
  ///     co_await writer.start_tls(context, {.server_hostname = "example.org"});
  ///
  /// What the reader has received and nobody has read is not plaintext of this
  /// connection any more: it belongs to the handshake, or (what an attacker has put in)
  /// breaks it.
  ///
  /// Cancellation: the connection is aborted.
  /// Throws:       ssl_error – see ssl_context; boost::system::system_error – the
  ///               connection broke, or the handshake took too long; usage_error – it
  ///               is closing; std::invalid_argument – options that do not go together
  /// Like:         asyncio.StreamWriter.start_tls
  coro<> start_tls(const ssl_context& context, start_tls_options options = {}) const {
    if (open().is_server_side())
      options.server_side = options.server_side.value_or(true);
    return detail::secure_streams(required(),
                                  detail::start_tls_settings(context, options));
  }

  /// The transport below, for its limits and pauses.
  aio::transport& transport() const { return open().source; }

 private:
  const detail::intrusive_ptr<connection>& required() const {
    if (!of_) throw usage_error("an empty stream_writer: it was moved from");
    return of_;
  }
  connection& open() const { return *required(); }

  detail::intrusive_ptr<connection> of_;
};

}  // namespace aio
