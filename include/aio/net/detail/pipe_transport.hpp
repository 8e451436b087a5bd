// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a pipe: transports for one direction.

#pragma once

#include <aio/core/error.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/descriptor_transport.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/no_sigpipe.hpp>
#include <aio/net/endpoint.hpp>

#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

namespace aio::detail {

/// What both directions have in common: there is no address.
class pipe_transport : public descriptor_transport {
 public:
  endpoint peername() const override { return {}; }
  endpoint sockname() const override { return {}; }
  using descriptor_transport::disown;

 protected:
  using descriptor_transport::descriptor_transport;

  static ssize_t not_for_this_end() noexcept {
    errno = EBADF;
    return -1;
  }
};

class read_pipe_transport final : public pipe_transport {
 public:
  using pipe_transport::pipe_transport;

  void write(std::string_view) override {
    throw usage_error("writing to the end of a pipe that is read");
  }
  void write_eof() override { write({}); }
  bool can_write_eof() const noexcept override { return false; }

 private:
  std::uint32_t events_of_interest() const noexcept override { return EPOLLIN; }

  ssize_t receive(std::span<char> into) noexcept override {
    const ssize_t n = uninterrupted(
        [&] { return ::read(native_handle(), into.data(), into.size()); });
    return n < 0 && errno == EIO ? 0 : n;  // the other side of a terminal is gone
  }
  ssize_t send(std::string_view) noexcept override { return not_for_this_end(); }
  ssize_t send(gathered&) noexcept override { return not_for_this_end(); }
  void end_sending() noexcept override {}
};

class write_pipe_transport final : public pipe_transport {
 public:
  using pipe_transport::pipe_transport;

  void write(std::string_view bytes) override {
    if (is_closing_) {
      if (!bytes.empty()) warn_of_lost_write();
    } else {
      pipe_transport::write(bytes);
    }
  }
  void write_eof() override { close(); }

  void pause_reading() override { throw_not_read(); }
  void resume_reading() override { throw_not_read(); }
  bool is_reading() const noexcept override { return false; }

 private:
  [[noreturn]] static void throw_not_read() {
    throw usage_error("reading from the end of a pipe that is written");
  }

  std::uint32_t events_of_interest() const noexcept override { return EPOLLOUT; }

  // The set tells of a reader that has gone, even while nothing is written.
  void ready(std::uint32_t events) override {
    if ((events & (EPOLLERR | EPOLLHUP)) == 0) return pipe_transport::ready(events);
    if (queue_.empty()) return abort();
    fail_with({EPIPE, boost::system::system_category()}, "sending");
  }

  ssize_t receive(std::span<char>) noexcept override { return not_for_this_end(); }
  ssize_t send(std::string_view bytes) noexcept override {
    return without_sigpipe([&] {
      return uninterrupted(
          [&] { return ::write(native_handle(), bytes.data(), bytes.size()); });
    });
  }
  ssize_t send(gathered& pieces) noexcept override {
    return without_sigpipe([&] {
      return uninterrupted([&] {
        return ::writev(native_handle(), pieces.data(),
                        static_cast<int>(pieces.size()));
      });
    });
  }
  void end_sending() noexcept override {}
};

}  // namespace aio::detail
