// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// transport: one connection, as the user of a protocol sees it.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/tls_info.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

struct server_tag;

/// What every kind of transport must be able to do.
class transport_interface : public ref_counted,
                            public resident,
                            public list_hook<server_tag> {
 public:
  virtual void close() noexcept = 0;
  virtual void abort() noexcept = 0;
  virtual bool is_closing() const noexcept = 0;
  virtual void set_write_buffer_limits(std::optional<std::size_t> high,
                                       std::optional<std::size_t> low) = 0;
  virtual std::pair<std::size_t, std::size_t> get_write_buffer_limits() const = 0;
  virtual std::size_t get_write_buffer_size() const noexcept = 0;
  /// Whether the protocol was told pause_writing(), and not resume_writing() since.
  virtual bool is_writing_paused() const noexcept = 0;
  virtual endpoint peername() const = 0;
  virtual endpoint sockname() const = 0;
  virtual int native_handle() const noexcept = 0;
  virtual void set_protocol(std::shared_ptr<base_protocol> protocol) = 0;
  virtual std::shared_ptr<base_protocol> get_protocol() const = 0;
};

/// A connection for bytes. The public face is `transport`.
class stream_interface : public transport_interface {
 public:
  virtual void write(std::string_view bytes) = 0;
  virtual void writelines(std::span<const std::string_view> list) = 0;
  virtual void write_eof() = 0;
  virtual bool can_write_eof() const noexcept = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual bool is_reading() const noexcept = 0;
  virtual std::optional<tls_info> tls() const { return std::nullopt; }
};

/// The public face of a kind of transport: a handle, cheap to copy.
template <class Interface>
class transport_handle {
 public:
  transport_handle() = default;
  explicit transport_handle(intrusive_ptr<Interface> impl) noexcept
      : impl_(std::move(impl)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(impl_); }
  friend bool operator==(const transport_handle&, const transport_handle&) = default;

  /// Stops reading, sends what is queued, then connection_lost(null). May be repeated.
  void close() { impl().close(); }
  /// Drops what is queued, then connection_lost(null).
  void abort() { impl().abort(); }
  bool is_closing() const { return impl().is_closing(); }

  /// The queue sizes in bytes beyond which pause_writing() and at which
  /// resume_writing() is called. Not given: high is 64 KiB (or 4 × low), low a quarter
  /// of high.
  ///
  /// Throws: std::invalid_argument – low above high
  void set_write_buffer_limits(std::optional<std::size_t> high = std::nullopt,
                               std::optional<std::size_t> low = std::nullopt) {
    impl().set_write_buffer_limits(high, low);
  }
  /// (low, high), as in asyncio.
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const {
    return impl().get_write_buffer_limits();
  }
  /// Bytes queued here; the kernel holds more.
  std::size_t get_write_buffer_size() const { return impl().get_write_buffer_size(); }

  /// The address of the other end; empty if it has none.
  endpoint peername() const { return impl().peername(); }
  endpoint sockname() const { return impl().sockname(); }

  /// The descriptor, for socket options; -1 once it is closed.
  int native_handle() const { return impl().native_handle(); }

  /// Callbacks go to another protocol from here on.
  ///
  /// Throws: std::invalid_argument – not of a kind that this transport serves
  void set_protocol(std::shared_ptr<base_protocol> protocol) {
    impl().set_protocol(std::move(protocol));
  }
  /// Null after the connection was lost.
  std::shared_ptr<base_protocol> get_protocol() const { return impl().get_protocol(); }

  /// For the machinery.
  Interface& impl() const {
    if (!impl_) throw usage_error("an empty transport: there is no connection");
    return *impl_;
  }

 private:
  intrusive_ptr<Interface> impl_;
};

}  // namespace detail

/// One connection: what to send, and when to stop. A handle, cheap to copy; the
/// connection lives on without handles until it is closed or lost.
///
/// Threads: its loop's only
/// Like:    asyncio.Transport
class transport : public detail::transport_handle<detail::stream_interface> {
 public:
  using transport_handle::transport_handle;

  /// Sends `bytes`, at once if nothing is queued; what the kernel does not take is
  /// copied into the queue. Small writes of one turn may leave together on the next.
  /// Never waits, and reports errors through connection_lost();
  /// on a lost connection the bytes are dropped.
  ///
  /// Throws: usage_error – after write_eof(), or a pipe that is only read
  void write(std::string_view bytes) { impl().write(bytes); }

  /// write() for each of a range of byte strings; they leave in as few calls as can be,
  /// without being put together.
  template <std::ranges::input_range R>
  void writelines(R&& list) {
    if constexpr (std::is_lvalue_reference_v<std::ranges::range_reference_t<R>> ||
                  std::same_as<std::ranges::range_value_t<R>, std::string_view>) {
      std::vector<std::string_view> views;
      for (auto&& bytes : list) views.emplace_back(bytes);
      impl().writelines(views);
    } else {  // strings that are made as one goes
      for (auto&& bytes : list) impl().write(std::string_view(bytes));
    }
  }

  /// Says that nothing will follow, once the queue is sent; receiving goes on.
  void write_eof() { impl().write_eof(); }
  bool can_write_eof() const { return impl().can_write_eof(); }

  /// No data_received() until resume_reading(); both may be repeated.
  void pause_reading() { impl().pause_reading(); }
  void resume_reading() { impl().resume_reading(); }
  bool is_reading() const { return impl().is_reading(); }

  /// What was agreed on with the peer; none without TLS, and before the handshake is
  /// done. It is made at each call.
  ///
  /// Like: get_extra_info() of "peercert", "cipher", "ssl_object"
  std::optional<tls_info> tls() const { return impl().tls(); }
};

}  // namespace aio
