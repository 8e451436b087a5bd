// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// TLS without I/O: the interface that a TLS library has to fill.

#pragma once

#include <aio/net/tls_info.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

namespace aio::detail {

/// The way of the ciphertext, in and out. The engine asks and gives while one of its
/// functions runs, so it needs no memory for either.
class tls_wire {
 public:
  /// Moves ciphertext that has come into `room` and returns how much; 0: there is none
  /// for now.
  virtual std::size_t take_ciphertext(std::span<char> room) = 0;
  virtual void send_ciphertext(std::string_view bytes) = 0;

 protected:
  ~tls_wire() = default;
};

/// One TLS connection: turns what is on the wire into plaintext and back.
class tls_engine {
 public:
  enum class status : unsigned char {
    ok,
    needs_input,  ///< again when more ciphertext has come
    closed,       ///< the peer has announced the end: no plaintext follows
    failed        ///< see error(); nothing works any more
  };
  struct progress {
    status how;
    std::size_t size = 0;
  };

  virtual ~tls_engine() = default;

  /// Goes on with the handshake; ok: it is done.
  virtual status handshake() = 0;

  /// Decrypts into `room`, which is not empty; ok: `size` bytes.
  virtual progress read(std::span<char> room) = 0;

  /// Decrypts the next record; ok: `size` bytes of plaintext wait to be read.
  virtual progress next_record() = 0;

  /// Encrypts and sends the beginning of `plaintext`, at most a record; ok: `size` bytes
  /// of it are done. After needs_input the same bytes must be given again.
  virtual progress write(std::string_view plaintext) = 0;

  /// Announces the end of what we write. Reading may go on.
  virtual void send_close() noexcept = 0;

  /// Why it failed. Each is an ssl_error.
  virtual std::exception_ptr error() const noexcept = 0;

  virtual tls_info info() const = 0;
};

}  // namespace aio::detail
