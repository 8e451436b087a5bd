// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// wrap(f): a blocking function as one that is awaited.

#pragma once

#include <aio/io/threads.hpp>

#include <type_traits>
#include <utility>

namespace aio::files {

/// Makes a function that awaits `f(args...)` in a thread.
///
///     auto copy = aio::files::wrap([](std::string from, std::string to) { ... });
///     co_await copy("a", "b");
///
/// Takes:        f is copied for each call; the arguments are decayed and moved
/// Cancellation: see to_thread: the call goes on
/// Like:         aiofiles.os.wrap
template <class F>
auto wrap(F&& f) {
  return [f = std::decay_t<F>(std::forward<F>(f))](auto&&... args) {
    return to_thread(f, std::forward<decltype(args)>(args)...);
  };
}

}  // namespace aio::files
