// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// udp_socket: datagrams awaited.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_datagram_endpoint.hpp>
#include <aio/net/datagram_protocol.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/sync/event.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio {

/// What has come, and from whom.
struct datagram {
  std::string data;
  endpoint from;
};

namespace detail {

/// Collects what comes, and holds the socket back before that becomes too much: the
/// kernel then drops what nobody takes, as it does for every socket.
class datagram_collector final : public datagram_protocol {
  static constexpr std::size_t most_waiting = 256;

 public:
  void connection_made(datagram_transport& t) override { transport = t; }
  void datagram_received(std::string_view data, const endpoint& from) override {
    came_.push_back({{std::string(data), from}, nullptr});
    if (came_.size() >= most_waiting) transport.impl().pause_reading();
    news.set();
  }
  void error_received(std::exception_ptr error) override {
    came_.push_back({{}, std::move(error)});
    news.set();
  }
  void pause_writing() override { writable.clear(); }
  void resume_writing() override { writable.set(); }
  void connection_lost(std::exception_ptr) override {
    is_lost = true;
    news.set();
    writable.set();
  }

  bool empty() const noexcept { return came_.empty(); }

  datagram take() {
    entry first = std::move(came_.front());
    came_.pop_front();
    if (came_.empty() && !is_lost) {
      news.clear();
      transport.impl().resume_reading();
    }
    if (first.error) std::rethrow_exception(first.error);
    return std::move(first.came);
  }

  datagram_transport transport;
  event news;
  event writable;
  bool is_lost = false;

 private:
  struct entry {
    datagram came;
    std::exception_ptr error;
  };
  std::deque<entry> came_;
};

}  // namespace detail

/// A socket for UDP. A handle, cheap to copy; the last one that goes closes it.
///
///     aio::udp_socket socket = co_await aio::udp_socket::bind("0.0.0.0", 9999);
///     for (;;) {
///       aio::datagram got = co_await socket.recv_from();
///       co_await socket.send_to(got.data, got.from);
///     }
///
/// Protocols (loop.create_datagram_endpoint) cost less per datagram.
class udp_socket {
  using collector = detail::datagram_collector;

 public:
  udp_socket() = default;

  /// Receives at an address of this machine; port 0: the system picks one.
  ///
  /// Cancellation: gives up.
  /// Throws:       boost::system::system_error – in use, unknown host; cancelled_error
  static coro<udp_socket> bind(std::string_view host, std::uint16_t port) {
    return open(detail::datagram_plan({.local_addr = {host, port}}));
  }

  /// Sends to, and receives from, one peer only.
  ///
  /// Cancellation, Throws: see bind
  static coro<udp_socket> connect(std::string_view host, std::uint16_t port) {
    return open(detail::datagram_plan({.remote_addr = {host, port}}));
  }

  explicit operator bool() const noexcept { return static_cast<bool>(of_); }

  /// Waits for the next datagram. Several tasks may: each gets another one.
  ///
  /// Cancellation: stops waiting; nothing is lost.
  /// Throws:       boost::system::system_error – what receiving or an earlier sending
  ///               brought, such as connection_refused; bad_file_descriptor – closed;
  ///               cancelled_error
  coro<datagram> recv_from() const { return receive(required()); }
  /// The same, without the sender.
  coro<std::string> recv() const { return receive_data(required()); }

  /// Sends one datagram. Waits only while more is queued than the high-water mark.
  ///
  /// Cancellation: stops waiting; the datagram is sent.
  /// Throws:       std::invalid_argument – another peer than the one connected to;
  ///               boost::system::system_error (bad_file_descriptor) – closed;
  ///               cancelled_error
  coro<> send_to(std::string_view data, const endpoint& to) const {
    opened().transport.sendto(data, to);
    return drain(of_);
  }
  /// To the peer.
  coro<> send(std::string_view data) const {
    opened().transport.sendto(data);
    return drain(of_);
  }

  /// What has come and was not taken is dropped; those who wait get an error.
  void close() const { required()->close(); }

  endpoint sockname() const { return required()->made->transport.sockname(); }
  endpoint peername() const { return required()->made->transport.peername(); }
  datagram_transport& transport() const { return required()->made->transport; }

 private:
  struct owner {
    explicit owner(std::shared_ptr<collector> of) : made(std::move(of)) {}
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { close(); }
    void close() const { made->transport.close(); }

    std::shared_ptr<collector> made;
  };

  const std::shared_ptr<owner>& required() const {
    if (!of_) throw usage_error("an empty udp_socket: it was never opened");
    return of_;
  }
  collector& opened() const {
    collector& made = *required()->made;
    if (made.transport.is_closing()) throw_closed();
    return made;
  }
  [[noreturn]] static void throw_closed() {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::bad_file_descriptor),
        "the UDP socket is closed");
  }

  static coro<udp_socket> open(detail::datagram_plan plan) {
    auto made = co_await detail::make_datagram_endpoint(
        get_running_loop(), [] { return std::make_unique<collector>(); },
        std::move(plan));
    made.second->writable.set();
    udp_socket socket;
    socket.of_ = std::make_shared<owner>(std::move(made.second));
    co_return socket;
  }

  static coro<datagram> receive(std::shared_ptr<owner> of) {
    collector& from = *of->made;
    while (from.empty()) {
      if (from.transport.is_closing()) throw_closed();
      co_await from.news.wait();
    }
    co_return from.take();
  }
  static coro<std::string> receive_data(std::shared_ptr<owner> of) {
    datagram came = co_await receive(std::move(of));
    co_return std::move(came.data);
  }
  static coro<> drain(std::shared_ptr<owner> of) { co_await of->made->writable.wait(); }

  std::shared_ptr<owner> of_;
};

}  // namespace aio
