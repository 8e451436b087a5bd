// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Handlers and middlewares, whatever callable they are.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio::web {

class next;

namespace detail {

using handler = aio::detail::move_only_function<coro<response>(request&)>;
using middleware = aio::detail::move_only_function<coro<response>(request&, next)>;

template <class T>
coro<response> as_response(coro<T> body) {
  T made = co_await std::move(body);
  co_return response(std::move(made));
}
inline coro<response> as_response(response made) { co_return std::move(made); }

/// Called with a request it yields a response, or a coroutine that does; or what becomes
/// a response.
template <class F>
concept request_handler = std::invocable<F&, request&> &&
    requires(std::invoke_result_t<F&, request&> result) {
  as_response(std::move(result));
};

template <class F>
handler make_handler(F f) {
  using result = std::invoke_result_t<F&, request&>;
  if constexpr (std::same_as<result, coro<response>>) {
    return handler(std::move(f));
  } else {
    return handler([f = std::move(f)](request& req) mutable {
      return as_response(std::invoke(f, req));
    });
  }
}

/// Those around one handler, outermost first.
using middleware_chain = std::vector<const middleware*>;

}  // namespace detail

/// The rest of the way to the handler, as a middleware sees it: call it with the
/// request, once or not at all, and await the response.
class next {
 public:
  next(const detail::middleware_chain& chain, std::size_t at,
       const detail::handler& innermost) noexcept
      : chain_(&chain), at_(at), innermost_(&innermost) {}

  /// Cancellation: reaches the handler.
  /// Throws:       what the handler throws
  coro<response> operator()(request& req) const {
    if (at_ == chain_->size()) return (*innermost_)(req);
    return (*(*chain_)[at_])(req, next(*chain_, at_ + 1, *innermost_));
  }

 private:
  const detail::middleware_chain* chain_;
  std::size_t at_;
  const detail::handler* innermost_;
};

}  // namespace aio::web
