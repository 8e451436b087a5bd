// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Datagrams: what sends them, and who is told of those that come.

#pragma once

#include <aio/net/endpoint.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <exception>
#include <optional>
#include <string_view>

namespace aio {
namespace detail {

class datagram_interface : public transport_interface {
 public:
  virtual void sendto(std::string_view data, const endpoint* to) = 0;
  virtual void pause_reading() noexcept = 0;
  virtual void resume_reading() noexcept = 0;
};

}  // namespace detail

/// A socket for datagrams: UDP or unix. A handle, cheap to copy.
///
/// Threads: its loop's only
/// Like:    asyncio.DatagramTransport
class datagram_transport : public detail::transport_handle<detail::datagram_interface> {
 public:
  using transport_handle::transport_handle;

  /// Sends one datagram, at once if nothing is queued; never waits. An empty one is
  /// sent as well. Errors of the system come to error_received().
  ///
  /// Throws: std::invalid_argument – an address that is not the one of the endpoint's
  ///         peer, or none where there is no peer
  void sendto(std::string_view data) { impl().sendto(data, nullptr); }
  void sendto(std::string_view data, const endpoint& to) { impl().sendto(data, &to); }
};

/// Callbacks for datagrams. Exceptions of these go to the exception handler, and the
/// endpoint goes on.
///
///     struct echo : aio::datagram_protocol {
///       void connection_made(aio::datagram_transport& t) override { transport = t; }
///       void datagram_received(std::string_view data,
///                              const aio::endpoint& from) override {
///         transport.sendto(data, from);
///       }
///       aio::datagram_transport transport;
///     };
///
/// Like: asyncio.DatagramProtocol
class datagram_protocol : public base_protocol {
 public:
  /// The endpoint is there; before anything else.
  virtual void connection_made(datagram_transport& t) { static_cast<void>(t); }

  /// A datagram has come; the view is valid during the call.
  virtual void datagram_received(std::string_view data, const endpoint& from) {
    static_cast<void>(data);
    static_cast<void>(from);
  }

  /// Sending or receiving failed with a boost::system::system_error, such as
  /// connection_refused when nobody is at the peer's port. The endpoint goes on.
  virtual void error_received(std::exception_ptr error) { static_cast<void>(error); }
};

}  // namespace aio
