// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// stream_reader: bytes, lines and records from a connection.

#pragma once

#include <aio/net/detail/read_rules.hpp>
#include <aio/net/detail/reader_state.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {

/// The reading half of a stream. A handle, cheap to copy.
///
/// Bytes that have arrived wait in a buffer until a task takes them, so a read that is
/// cancelled or runs into a time limit loses nothing. One task at a time may wait.
///
///     for (;;) {
///       std::string line = co_await reader.readline();
///       if (line.empty()) break;  // end of the stream
///     }
///
/// Cancellation: of any read: the waiting ends at once, all bytes stay in the buffer.
/// Throws:       of any read: cancelled_error; what broke the connection
///               (boost::system::system_error); usage_error – another task waits
/// Like:         asyncio.StreamReader
class stream_reader {
  using state = detail::reader_state;
  template <class Rule>
  using operation = detail::read_operation<Rule>;

 public:
  static constexpr std::size_t default_limit = 64 * 1024;

  /// A reader that is fed by hand, for tests and adapters. `limit` bytes bound what
  /// readline() and readuntil() look through.
  ///
  /// Throws: std::invalid_argument – a limit of zero or less
  explicit stream_reader(std::ptrdiff_t limit = default_limit)
      : state_(new state(limit > 0 ? static_cast<std::size_t>(limit) : 0)) {}

  explicit stream_reader(detail::intrusive_ptr<state> of) noexcept
      : state_(std::move(of)) {}

  /// Yields 1 to `n` bytes as soon as there are any; empty at the end of the stream
  /// (and for `n` of zero).
  ///
  /// Cancellation: see the class
  operation<detail::read_up_to> read(std::size_t n) const { return {state_, {n}}; }

  /// Yields all that comes until the end of the stream, without a limit.
  ///
  /// Cancellation: see the class
  operation<detail::read_to_end> read() const { return {state_, {}}; }

  /// Reads 1 to `to.size()` bytes into `to` and yields how many: 0 at the end of the
  /// stream. Does not allocate.
  ///
  /// Cancellation: see the class; `to` is not touched before the await ends
  operation<detail::read_into> read_some(std::span<std::byte> to) const {
    return {state_, {to}};
  }

  /// Yields a line with its '\n'; at the end of the stream what is left, perhaps empty.
  ///
  /// Cancellation: see the class
  /// Throws:       std::invalid_argument – a line longer than the limit; it is dropped
  operation<detail::read_line> readline() const { return {state_, {}}; }

  /// The same for a loop over the lines: none at the end of the stream.
  ///
  ///     while (auto line = co_await reader.next_line()) use(*line);
  ///
  /// Cancellation, Throws: see readline
  /// Like:                 async for line in reader
  operation<detail::read_next_line> next_line() const { return {state_, {}}; }

  /// Yields exactly `n` bytes; the limit does not apply.
  ///
  /// Cancellation: see the class
  /// Throws:       incomplete_read_error – the stream ended before;
  /// std::invalid_argument
  ///               – a negative `n`
  template <std::integral N>
  operation<detail::read_exactly> readexactly(N n) const {
    if constexpr (std::signed_integral<N>) {
      if (n < 0) throw std::invalid_argument("readexactly: the size is negative");
    }
    return {state_, {static_cast<std::size_t>(n)}};
  }

  /// Yields all up to and including the first of the separators (the shortest result).
  ///
  /// Cancellation: see the class
  /// Throws:       incomplete_read_error – the stream ended before;
  ///               limit_overrun_error – more than the limit before the separator (all
  ///               stays in the buffer); std::invalid_argument – an empty separator
  template <std::convertible_to<std::string_view>... More>
  operation<detail::read_until> readuntil(std::string_view separator,
                                          const More&... more) const {
    std::vector<std::string> all{std::string(separator)};
    (all.emplace_back(std::string_view(more)), ...);
    return {state_, detail::read_until(std::move(all))};
  }
  operation<detail::read_until> readuntil(std::vector<std::string> separators) const {
    return {state_, detail::read_until(std::move(separators))};
  }

  /// Whether the stream has ended and all bytes were taken.
  bool at_eof() const noexcept { return state_->at_eof(); }

  /// What broke the connection, or null.
  std::exception_ptr exception() const noexcept { return state_->error; }

  /// Bytes that have arrived and were not taken.
  std::size_t buffered() const noexcept { return state_->buffer.size(); }

  // For readers that are fed by hand.

  /// Throws: usage_error – after feed_eof()
  void feed_data(std::string_view bytes) const {
    if (state_->is_ended) throw usage_error("feed_data() after feed_eof()");
    state_->feed(bytes);
  }
  void feed_eof() const noexcept { state_->feed_eof(); }
  /// All reads throw it from now on.
  void set_exception(std::exception_ptr error) const noexcept {
    state_->set_exception(std::move(error));
  }
  template <class E>
  requires(!std::same_as<std::remove_cvref_t<E>,
                         std::exception_ptr>) void set_exception(E&& error) const {
    set_exception(std::make_exception_ptr(std::forward<E>(error)));
  }

 private:
  detail::intrusive_ptr<state> state_;
};

}  // namespace aio
