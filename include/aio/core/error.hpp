// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Every exception of the library, under asyncio's name for it.

#pragma once

#include <boost/system/system_error.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

namespace aio {

/// Thrown at the `co_await` of a task that was asked to stop.
///
/// It is not a std::exception, so `catch (const std::exception&)` lets it pass; a
/// handler that catches everything must throw it on.
///
/// Like: asyncio.CancelledError (a BaseException)
class cancelled_error final {
 public:
  cancelled_error() = default;
  explicit cancelled_error(std::string message) : message_(std::move(message)) {}

  /// What was given to cancel(); empty if nothing was.
  const std::string& message() const noexcept { return message_; }
  const char* what() const noexcept {
    return message_.empty() ? "cancelled" : message_.c_str();
  }

 private:
  std::string message_;
};

/// Thrown out of run() after Ctrl-C cancelled the main task.
///
/// Like: KeyboardInterrupt (a BaseException, so no std::exception here)
class keyboard_interrupt final {
 public:
  const char* what() const noexcept { return "interrupted by Ctrl-C"; }
};

/// A time limit passed. Like TimeoutError of Python it is also an error of the
/// system: `code()` is errc::timed_out.
class timeout_error : public boost::system::system_error {
 public:
  explicit timeout_error(const std::string& what = "the time limit was reached")
      : system_error(make_error_code(boost::system::errc::timed_out), what) {}
};

/// A result was asked of, or given to, a future in the wrong state.
class invalid_state_error : public std::logic_error {
  using logic_error::logic_error;
};

/// An object was used in a way it never allows: the text says what to do instead.
///
/// Like: the RuntimeError that asyncio raises for misuse
class usage_error : public std::logic_error {
  using logic_error::logic_error;
};

/// The stream ended before what was asked for had come.
///
/// Like: asyncio.IncompleteReadError (an EOFError)
class incomplete_read_error : public std::runtime_error {
 public:
  incomplete_read_error(std::string partial_bytes,
                        std::optional<std::size_t> expected_bytes)
      : runtime_error(std::to_string(partial_bytes.size()) +
                      " bytes read on a total of " +
                      (expected_bytes ? std::to_string(*expected_bytes)
                                      : std::string("undefined")) +
                      " expected bytes"),
        partial(std::move(partial_bytes)),
        expected(expected_bytes) {}

  std::string partial;                  ///< what came before the end of the stream
  std::optional<std::size_t> expected;  ///< none when a separator was awaited
};

/// No separator within the limit of the reader.
///
/// Like: asyncio.LimitOverrunError
class limit_overrun_error : public std::runtime_error {
 public:
  limit_overrun_error(const std::string& what, std::size_t consumed_bytes)
      : runtime_error(what), consumed(consumed_bytes) {}

  std::size_t consumed;  ///< bytes that can be read away without losing a separator
};

/// Nothing was in the queue, and the caller does not wait.
///
/// Like: asyncio.QueueEmpty
class queue_empty : public std::runtime_error {
 public:
  queue_empty() : runtime_error("the queue is empty") {}
};

/// No room was in the queue, and the caller does not wait.
///
/// Like: asyncio.QueueFull
class queue_full : public std::runtime_error {
 public:
  queue_full() : runtime_error("the queue is full") {}
};

/// The queue was shut down: it takes nothing more, or nothing is left in it.
///
/// Like: asyncio.QueueShutDown
class queue_shut_down : public std::runtime_error {
 public:
  queue_shut_down() : runtime_error("the queue was shut down") {}
};

/// The barrier was aborted, or reset while a task waited at it.
///
/// Like: asyncio.BrokenBarrierError
class broken_barrier_error : public std::runtime_error {
  using runtime_error::runtime_error;
};

namespace detail {

/// Whether `error` holds an exception of exactly this (final) type.
template <class E>
bool holds(const std::exception_ptr& error) noexcept {
#if defined(__GLIBCXX__)
  return error && *error.__cxa_exception_type() == typeid(E);
#else
  try {
    if (error) std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
  }
  return false;
#endif
}

}  // namespace detail
}  // namespace aio
