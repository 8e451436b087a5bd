// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// protocol: what a connection tells its user by callbacks.

#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

namespace aio {

class transport;

/// What all protocols are told. Exceptions of these go to the exception handler.
///
/// Like: asyncio.BaseProtocol
class base_protocol {
 public:
  base_protocol() = default;
  base_protocol(const base_protocol&) = delete;
  base_protocol& operator=(const base_protocol&) = delete;
  virtual ~base_protocol() = default;

  /// The connection is gone; the last call, exactly once. Null after a clean end:
  /// close(), abort() or the end of file.
  virtual void connection_lost(std::exception_ptr error) { static_cast<void>(error); }

  /// More is queued for writing than the high-water mark: stop. Called inside write().
  virtual void pause_writing() {}
  /// The queue is down to the low-water mark: go on.
  virtual void resume_writing() {}
};

/// Callbacks, the fastest way to serve a connection.
///
///     struct echo : aio::protocol {
///       void connection_made(aio::transport& t) override { transport = &t; }
///       void data_received(std::string_view data) override { transport->write(data); }
///       aio::transport* transport = nullptr;
///     };
///
/// Order: connection_made, data_received any number of times, eof_received at most
/// once, connection_lost.
///
/// Like: asyncio.Protocol
class protocol : public base_protocol {
 public:
  /// The connection is there; before anything else. `t` is valid until
  /// connection_lost() has returned (a copy of it for longer).
  virtual void connection_made(transport& t) { static_cast<void>(t); }

  /// Bytes have come, in pieces of any size; the view is valid during the call. An
  /// exception ends the connection.
  virtual void data_received(std::string_view data) { static_cast<void>(data); }

  /// The peer will send no more. True keeps our direction open; false closes.
  virtual bool eof_received() { return false; }
};

/// A protocol that receives into memory of its own.
///
/// Like: asyncio.BufferedProtocol
class buffered_protocol : public base_protocol {
 public:
  /// See protocol::connection_made.
  virtual void connection_made(transport& t) { static_cast<void>(t); }

  /// Room for the next bytes, at least one; about `size_hint` would be good. It may be
  /// asked for in vain: buffer_updated() follows only if something came.
  virtual std::span<char> get_buffer(std::size_t size_hint) = 0;

  /// The first `size` bytes of it have been filled.
  virtual void buffer_updated(std::size_t size) = 0;

  /// See protocol::eof_received.
  virtual bool eof_received() { return false; }
};

}  // namespace aio
