// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connected stream socket: TCP or unix.

#pragma once

#include <aio/io/event_loop.hpp>
#include <aio/net/detail/descriptor_transport.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/endpoint.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace aio::detail {

class stream_transport final : public descriptor_transport {
 public:
  /// `name`: ours, if it is known without asking the kernel.
  stream_transport(event_loop& loop, descriptor fd, endpoint peer,
                   std::shared_ptr<const endpoint> name = nullptr)
      : descriptor_transport(loop, std::move(fd)),
        peer_(std::move(peer)),
        name_(std::move(name)) {
    if (!peer_.is_unix()) set_no_delay(native_handle());
  }

  endpoint peername() const override { return peer_; }
  endpoint sockname() const override {
    if (name_) return *name_;
    return fd() ? local_endpoint(native_handle()) : endpoint();
  }

 private:
  std::uint32_t events_of_interest() const noexcept override {
    return EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  }
  ssize_t receive(std::span<char> into) noexcept override {
    return receive_some(native_handle(), into);
  }
  ssize_t send(std::string_view bytes) noexcept override {
    return send_some(native_handle(), bytes);
  }
  ssize_t send(gathered& pieces) noexcept override {
    return send_some(native_handle(), pieces);
  }
  void end_sending() noexcept override { ::shutdown(native_handle(), SHUT_WR); }

  void let_go() noexcept override {
    if (!name_) name_ = std::make_shared<const endpoint>(sockname());
    descriptor_transport::let_go();
  }

  endpoint peer_;
  std::shared_ptr<const endpoint> name_;  ///< from the end on at the latest
};

}  // namespace aio::detail
