// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Sends files: loop.sendfile() to transports, loop.sock_sendfile() to sockets.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/descriptors.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/threads.hpp>
#include <aio/io/wait_ready.hpp>
#include <aio/net/detail/no_sigpipe.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/sock_calls.hpp>
#include <aio/net/stream_transport.hpp>
#include <aio/net/transport.hpp>
#include <aio/sync/event.hpp>
#include <aio/task/sleep.hpp>

#include <boost/system/system_error.hpp>

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace aio {

struct sendfile_options {
  /// Where in the file to begin.
  std::int64_t offset = 0;
  /// How many bytes at most; if not given, all until its end.
  std::optional<std::size_t> count = {};
  /// Where the kernel cannot send this file itself: read it in threads, and write.
  bool fallback = true;
};

/// The kernel cannot send this file, and reading it was not wanted.
///
/// Like: asyncio.SendfileNotAvailableError
class sendfile_not_available_error : public usage_error {
  using usage_error::usage_error;
};

namespace detail {

/// What is left to be sent of a file. At the end the position of the file is behind
/// what was sent, whatever happened.
class file_range {
 public:
  file_range(int file, const sendfile_options& options)
      : file_(file), begin_(options.offset), count_(options.count) {
    if (begin_ < 0) throw std::invalid_argument("sendfile: a negative offset");
    if (count_ && *count_ == 0) throw std::invalid_argument("sendfile: a count of 0");
  }
  file_range(const file_range&) = delete;
  file_range& operator=(const file_range&) = delete;
  ~file_range() {
    if (sent_ > 0) ::lseek(file_, position(), SEEK_SET);
  }

  int file() const noexcept { return file_; }
  off_t position() const noexcept { return begin_ + static_cast<off_t>(sent_); }
  std::size_t sent() const noexcept { return sent_; }
  /// At most `most` of what is left.
  std::size_t next(std::size_t most) const noexcept {
    return count_ ? std::min(most, *count_ - sent_) : most;
  }
  void advance(std::size_t n) noexcept { sent_ += n; }

 private:
  int file_;
  off_t begin_;
  std::optional<std::size_t> count_;
  std::size_t sent_ = 0;
};

/// One call. So much at a time that the others get their turn.
inline ssize_t send_some(int to, const file_range& range) noexcept {
  constexpr std::size_t at_once = 1024 * 1024;
  return without_sigpipe([&] {
    return uninterrupted([&] {
      off_t at = range.position();
      return ::sendfile(to, range.file(), &at, range.next(at_once));
    });
  });
}

inline bool is_unsupported(int error) noexcept {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == ESPIPE ||
         error == EXDEV || error == EOVERFLOW;
}

/// False if the kernel cannot do it; nothing has been sent then. Between two calls it
/// awaits `pause(is_full)`, which throws if there is no connection any more.
template <class Pause>
coro<bool> send_natively(int to, file_range& range, Pause pause) {
  while (range.next(1) > 0) {
    const ssize_t n = send_some(to, range);
    if (n == 0) break;
    if (n < 0 && !would_block(errno)) {
      if (range.sent() == 0 && is_unsupported(errno)) co_return false;
      throw_last_error("sendfile");
    }
    if (n > 0) range.advance(static_cast<std::size_t>(n));
    co_await pause(n < 0);
  }
  co_return true;
}

/// The next bytes of the file, read in a thread; empty at the end.
inline future<std::string> read_aside(event_loop& loop, const file_range& range) {
  constexpr std::size_t at_once = 16 * 1024;
  return loop.run_in_executor(
      [file = range.file(), at = range.position(), size = range.next(at_once)] {
        std::string bytes(size, '\0');
        ssize_t n = uninterrupted([&] { return ::pread(file, &bytes[0], size, at); });
        if (n < 0 && errno == ESPIPE) {  // a pipe, which has no positions
          n = uninterrupted([&] { return ::read(file, &bytes[0], size); });
        }
        if (n < 0) throw_last_error("sendfile: reading the file");
        bytes.resize(static_cast<std::size_t>(n));
        return bytes;
      });
}

[[noreturn]] inline void throw_not_available(const char* why) {
  throw sendfile_not_available_error(std::string("sendfile is not available: ") + why);
}

// ----- to a socket -----

inline coro<> pause_on_socket(event_loop& loop, int fd, bool is_full) {
  if (is_full) {
    co_await wait_ready(loop, fd, wait_ready::direction::write);
  } else {
    co_await sleep(duration::zero());
  }
}

inline coro<std::size_t> sock_sendfile(event_loop& loop, int to, int file,
                                       sendfile_options options) {
  check_socket(loop, to);
  check_stream_socket(to);
  file_range range(file, options);
  auto pause = [&loop, to](bool is_full) { return pause_on_socket(loop, to, is_full); };
  auto native = send_natively(to, range, pause);
  const bool is_done = co_await std::move(native);
  if (is_done) co_return range.sent();
  if (!options.fallback) throw_not_available("the kernel cannot send this file");
  while (range.next(1) > 0) {
    std::string bytes = co_await read_aside(loop, range);
    if (bytes.empty()) break;
    const std::size_t size = bytes.size();
    co_await sock_sendall(loop, to, std::move(bytes));
    range.advance(size);
  }
  co_return range.sent();
}

// ----- to a transport -----

/// While it lives the transport reads nothing.
class reading_pause {
 public:
  explicit reading_pause(stream_interface& of)
      : of_(of), was_reading_(of.is_reading()) {
    of_.pause_reading();
  }
  reading_pause(const reading_pause&) = delete;
  reading_pause& operator=(const reading_pause&) = delete;
  ~reading_pause() {
    if (was_reading_) of_.resume_reading();
  }

 private:
  stream_interface& of_;
  bool was_reading_;
};

/// While it lives nobody may write to the transport, and bytes may be sent beside it.
class direct_sending {
 public:
  explicit direct_sending(stream_transport& to) : to_(to) {
    to_.begin_direct_sending(waiting_);
  }
  direct_sending(const direct_sending&) = delete;
  direct_sending& operator=(const direct_sending&) = delete;
  ~direct_sending() { to_.end_direct_sending(); }

  /// Awaits that nothing stands before what is to be sent.
  class [[nodiscard]] room {
   public:
    explicit room(direct_sending& of) noexcept : of_(of) {}
    auto operator co_await() && { return awaiter(of_); }

   private:
    class awaiter final : public wait_list::waiter {
     public:
      explicit awaiter(direct_sending& of) noexcept : of_(of) {}
      bool await_ready() const noexcept { return of_.to_.may_send_directly(); }
      template <class Promise>
      void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        wait_in(of_.waiting_, frame.promise());
      }
      void await_resume() {
        throw_if_cancelled();
        of_.check_connection();
      }

     private:
      direct_sending& of_;
    };

    direct_sending& of_;
  };

  /// Cancellation: stops waiting.
  /// Throws:       boost::system::system_error – the connection is lost; cancelled_error
  coro<> pause(bool is_full) {
    if (is_full) {
      to_.expect_room();
    } else {
      co_await sleep(duration::zero());
    }
    co_await room(*this);
  }

 private:
  void check_connection() const {
    if (!to_.is_lost()) return;
    throw_error(make_error_code(boost::system::errc::connection_aborted),
                "sendfile: the connection is closed");
  }

  stream_transport& to_;
  wait_list waiting_;
};

inline coro<bool> send_beside(stream_transport& to, file_range& range) {
  direct_sending sending(to);
  co_await direct_sending::room(sending);
  auto pause = [&sending](bool is_full) { return sending.pause(is_full); };
  auto native = send_natively(to.native_handle(), range, pause);
  co_return co_await std::move(native);
}

/// Stands in for the protocol of a transport while a file is written to it.
class sendfile_protocol final : public protocol {
 public:
  explicit sendfile_protocol(stream_interface& of)
      : former_(of.get_protocol()), was_paused_(of.is_writing_paused()) {
    if (!was_paused_) may_write_.set();
  }

  void pause_writing() override { may_write_.clear(); }
  void resume_writing() override { may_write_.set(); }
  void connection_lost(std::exception_ptr error) override {
    is_lost_ = true;
    error_ = error;
    may_write_.set();
    former_->connection_lost(std::move(error));
  }

  /// Cancellation: stops waiting.
  /// Throws:       what broke the connection; cancelled_error
  coro<> may_write() {
    co_await may_write_.wait();
    if (error_) std::rethrow_exception(error_);
    if (is_lost_) {
      throw_error(make_error_code(boost::system::errc::connection_aborted),
                  "sendfile: the connection is closed");
    }
  }

  /// The former protocol is in charge again, and told what it has missed.
  void step_aside(stream_interface& of) {
    if (is_lost_) return;
    of.set_protocol(former_);
    if (was_paused_ && may_write_.is_set()) former_->resume_writing();
    if (!was_paused_ && !may_write_.is_set()) former_->pause_writing();
  }

 private:
  std::shared_ptr<base_protocol> former_;
  bool was_paused_;
  event may_write_;
  bool is_lost_ = false;
  std::exception_ptr error_;
};

inline coro<> send_by_writing(event_loop& loop, stream_interface& to,
                              file_range& range) {
  const auto standing_in = std::make_shared<sendfile_protocol>(to);
  to.set_protocol(standing_in);
  const scope_exit at_last([&] { standing_in->step_aside(to); });
  while (range.next(1) > 0) {
    const std::string bytes = co_await read_aside(loop, range);
    if (bytes.empty()) break;
    co_await standing_in->may_write();
    to.write(bytes);
    range.advance(bytes.size());
  }
}

inline coro<std::size_t> sendfile(event_loop& loop, intrusive_ptr<stream_interface> to,
                                  int file, sendfile_options options) {
  if (to->is_closing()) throw usage_error("sendfile: the transport is closing");
  file_range range(file, options);
  const reading_pause no_reading(*to);
  if (const auto socket = dynamic_cast<stream_transport*>(to.get())) {
    auto native = send_beside(*socket, range);
    const bool is_done = co_await std::move(native);
    if (is_done) co_return range.sent();
  }
  if (!options.fallback) {
    throw_not_available("the kernel cannot send this file to this transport");
  }
  co_await send_by_writing(loop, *to, range);
  co_return range.sent();
}

}  // namespace detail

/// Sends a file over a connection, if possible without a copy of it in this process.
/// What was written before goes first. Reading pauses meanwhile, and write() is refused
/// as long as the kernel sends.
///
///     std::size_t sent = co_await loop.sendfile(writer.transport(), fd);
///
/// Takes:        the descriptor of a file (or an object with native_handle()), which
///               stays the caller's; its position is then behind what was sent
/// Returns:      how many bytes were sent, or queued where they had to be read
/// Cancellation: part of the file has been sent; the connection stays.
/// Throws:       boost::system::system_error – the connection or reading failed;
///               usage_error – the transport is closing or sends a file already;
///               sendfile_not_available_error; std::invalid_argument – a negative
///               offset, a count of 0; cancelled_error
/// Like:         loop.sendfile
template <class File, class Options>
auto event_loop::sendfile(const transport& to, File&& file, Options options) {
  return detail::sendfile(*this,
                          detail::intrusive_ptr<detail::stream_interface>(&to.impl()),
                          detail::native_handle_of(file), options);
}

/// The same to a stream socket of the caller's own; see sock_sendall.
///
/// Cancellation, Throws: see sendfile and sock_recv
template <class Socket, class File, class Options>
auto event_loop::sock_sendfile(Socket&& sock, File&& file, Options options) {
  return detail::sock_sendfile(*this, detail::native_handle_of(sock),
                               detail::native_handle_of(file), options);
}

}  // namespace aio
