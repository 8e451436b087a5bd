// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// use_aio: any Asio operation in a coroutine of ours.

#pragma once

#include <aio/io/await.hpp>

#include <boost/asio/async_result.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace aio {

/// The completion token that makes an Asio operation awaitable.
///
///     std::size_t n = co_await socket.async_read_some(buffer, aio::use_aio);
///     auto [ec, m] = co_await socket.async_read_some(
///         buffer, boost::asio::as_tuple(aio::use_aio));
///
/// Nothing begins before the await, so the operation may as well be given to
/// create_task(), gather() or wait_for(). An error_code or exception_ptr that the
/// operation completes with is thrown; of what follows it, nothing is void, one value is
/// itself and several are a tuple. Where an operation has several signatures that yield
/// different things, it is a std::variant of them, std::monostate for nothing.
///
/// Its handler runs on the loop's thread, whatever context the I/O object belongs to
/// (but for one with an executor of its own: bind_executor), and its memory comes from
/// where frames come from.
///
/// Cancellation: asks the operation to stop, in every way that it can, and waits for its
///               handler; then the await raises. What it has brought is lost: reads of
///               stream_reader lose nothing. It is asked on the loop's thread; with
///               bind_executor see that the operation can take that.
/// Throws:       what the operation completes with: boost::system::system_error, or what
///               an exception_ptr holds; cancelled_error; usage_error – a loop on virtual
///               time
/// Lifetime:     the I/O object and what buffers refer to outlive the operation
/// Like:         asio::use_awaitable
struct use_aio_t {
  constexpr use_aio_t() noexcept = default;

  /// `Executor`, whose I/O objects use use_aio where no token is given.
  template <class Executor>
  struct executor_with_default : Executor {
    using default_completion_token_type = use_aio_t;

    template <class From>
    requires(!std::same_as<From, executor_with_default> &&
             std::convertible_to<From, Executor>)
        executor_with_default(const From& from)
    noexcept : Executor(from) {}
  };

  /// An I/O object type whose operations need no token:
  /// `use_aio_t::as_default_on_t<tcp::socket> socket(context);`
  template <class T>
  using as_default_on_t = typename T::template rebind_executor<
      executor_with_default<typename T::executor_type>>::other;

  template <class T>
  static auto as_default_on(T&& object) {
    return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
  }
};
inline constexpr use_aio_t use_aio{};

}  // namespace aio

template <class... Signatures>
class boost::asio::async_result<aio::use_aio_t, Signatures...> {
 public:
  using return_type = aio::detail::any_asio_operation<Signatures...>;

  template <class Initiation, class... Args>
  requires(std::constructible_from<std::decay_t<Args>, Args>&&...) static auto initiate(
      Initiation&& initiation, aio::use_aio_t, Args&&... args) {
    return aio::detail::make_asio_operation<Signatures...>(
        std::forward<Initiation>(initiation), std::forward<Args>(args)...);
  }
};
