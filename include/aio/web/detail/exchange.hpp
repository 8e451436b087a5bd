// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What requests and responses need of the connection they are on.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/detail/reader_state.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <boost/system/system_error.hpp>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

class request;
class response_base;

/// A connection that a handler has taken over.
struct taken_connection {
  aio::transport transport;
  std::string unread;  ///< bytes that came behind the request
};

namespace detail {

using aio::detail::intrusive_ptr;
using aio::detail::reader_state;
using aio::detail::wait_list;

/// How the body of a response ends.
enum class body_framing : unsigned char { none, length, chunked, until_close };

/// What is known of a response when its head is written.
struct response_start {
  int status;
  std::string_view reason;
  const http::headers& fields;
  std::string_view content_type;  ///< if `fields` has none
  body_framing framing;
  std::size_t length = 0;  ///< of framing `length`
  bool keep_alive = true;
};

/// One request and its response on a connection.
class exchange {
 public:
  virtual transport& link() noexcept = 0;
  virtual bool is_lost() const noexcept = 0;
  /// Nothing may be written before may_write() holds again.
  virtual bool is_writing_paused() const noexcept = 0;
  virtual wait_list& writers() noexcept = 0;

  /// The body of the request; null if it has none.
  virtual reader_state* body() noexcept = 0;
  /// The handler wants the body: the client is told to send it, if it waits for that.
  virtual void expect_body() = 0;
  virtual std::size_t client_max_size() const noexcept = 0;

  /// Whether before_response() has anything to do.
  virtual bool watches_responses() const noexcept = 0;
  virtual coro<> before_response(request& of, response_base& what) = 0;
  /// The head of a response that is then sent piece by piece.
  virtual void start_response(request& of, const response_start& start) = 0;
  virtual void write_body(std::string_view bytes) = 0;
  virtual void end_body() = 0;

  virtual taken_connection take_over(const http::headers& fields,
                                     std::shared_ptr<base_protocol> next) = 0;
  virtual void on_shutdown(aio::detail::move_only_function<void()> f) = 0;
  virtual bool is_secure() const = 0;

 protected:
  ~exchange() = default;
};

/// Waits until more may be written.
///
/// Cancellation: stops waiting.
/// Throws:       boost::system::system_error – the connection is lost
class [[nodiscard]] writing_room {
 public:
  explicit writing_room(exchange& of) noexcept : of_(of) {}

  auto operator co_await() && noexcept { return awaiter(of_); }

 private:
  class awaiter final : public wait_list::waiter {
   public:
    explicit awaiter(exchange& of) noexcept : of_(of) {}
    bool await_ready() const noexcept {
      return of_.is_lost() || !of_.is_writing_paused();
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      wait_in(of_.writers(), frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }

   private:
    exchange& of_;
  };

  exchange& of_;
};

/// Throws: boost::system::system_error – the client is gone
inline void require_client(const exchange& of) {
  if (of.is_lost()) {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the client closed the connection");
  }
}

}  // namespace detail
}  // namespace aio::web
