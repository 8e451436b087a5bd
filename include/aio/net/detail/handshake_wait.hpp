// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Coroutines that wait for a TLS handshake.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/coro/coro.hpp>
#include <aio/net/detail/byte_transport.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/tls_transport.hpp>
#include <aio/net/transport.hpp>
#include <aio/task/future.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace aio::detail {

/// In the frame of the one who waits. Unless the handshake was found to be good the
/// connection is aborted with it.
class handshake_wait {
 public:
  handshake_wait(loop_core& loop, intrusive_ptr<tls_transport> of)
      : of_(std::move(of)), over_(make_future<void>(loop)) {}
  handshake_wait(const handshake_wait&) = delete;
  handshake_wait& operator=(const handshake_wait&) = delete;
  ~handshake_wait() {
    if (!is_good_) of_->abort();
  }

  void ended(std::exception_ptr error) {
    error_ = std::move(error);
    if (!over_.done()) over_.set_result();
  }

  const future<void>& over() const noexcept { return over_; }

  /// Throws: why the handshake failed
  void check() {
    if (error_) std::rethrow_exception(error_);
    is_good_ = true;
  }

 private:
  intrusive_ptr<tls_transport> of_;
  future<void> over_;
  std::exception_ptr error_;
  bool is_good_ = false;
};

/// Starts a connected transport with `protocol`; with TLS between them if there are
/// settings for it.
///
/// Cancellation: the connection is aborted.
/// Throws:       ssl_error; boost::system::system_error – the handshake failed;
///               cancelled_error
inline coro<transport> start_transport(intrusive_ptr<byte_transport> below,
                                       std::shared_ptr<base_protocol> protocol,
                                       tls_settings settings) {
  if (!settings) {
    below->start(std::move(protocol));
    co_return transport(below);
  }
  loop_core& loop = loop_core::require_running();
  const intrusive_ptr<tls_transport> secured(new tls_transport(loop, below, settings));
  handshake_wait waiting(loop, secured);
  below->start(secured->link());
  secured->shake_hands([&](std::exception_ptr error) {
    if (!error) secured->start(std::move(protocol));
    waiting.ended(std::move(error));
  });
  co_await waiting.over();
  waiting.check();
  co_return transport(secured);
}

/// Puts TLS between a transport and the protocol that it has had so far. `early` was
/// received by that and is no plaintext for it: it belongs to the handshake, or breaks it.
///
/// Cancellation, Throws: see start_transport
inline coro<> upgrade_transport(intrusive_ptr<tls_transport> secured,
                                std::shared_ptr<base_protocol> protocol,
                                std::string early) {
  handshake_wait waiting(loop_core::require_running(), secured);
  secured->upgrade(std::move(protocol), early,
                   [&](std::exception_ptr error) { waiting.ended(std::move(error)); });
  co_await waiting.over();
  waiting.check();
}

}  // namespace aio::detail
