// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door to asyncio's world in one include. All of it is headers; where OpenSSL is
/// installed TLS is among them (AIO_NO_TLS leaves it out), and HTTP where Boost has URL
/// and JSON (AIO_NO_WEB leaves it out; a program that uses it links to them).
///
///     aio::coro<int> amain() {
///       co_await aio::sleep(1s);
///       co_return 0;
///     }
///     int main() { return aio::run(amain()); }
///
/// The contract of every function, unless its comment says otherwise: objects belong to
/// the loop they are used on and are used from its thread only; what an awaitable
/// refers to must stay valid until the await ends; a view that a member returns is
/// valid until the next call that changes the object; a moved-from object may only be
/// destroyed or assigned to.

#pragma once

#include <aio/core/config.hpp>
#include <aio/debug/format_tasks.hpp>
#include <aio/files.hpp>
#include <aio/io/descriptors.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/run.hpp>
#include <aio/io/run_coroutine_threadsafe.hpp>
#include <aio/io/run_workers.hpp>
#include <aio/io/spawn.hpp>
#include <aio/io/threads.hpp>
#include <aio/io/use_aio.hpp>
#include <aio/net.hpp>
#include <aio/os/serve_until_signal.hpp>
#include <aio/os/signals.hpp>
#include <aio/os/subprocess.hpp>
#include <aio/os/subprocess_options.hpp>
#include <aio/os/subprocess_protocol.hpp>
#include <aio/sync.hpp>
#include <aio/task.hpp>

#if !defined(AIO_NO_TLS) && __has_include(<openssl/ssl.h>)
#include <aio/tls.hpp>
#endif
#if !defined(AIO_NO_WEB) && __has_include(<boost/json.hpp>) && __has_include(<boost/url.hpp>)
#include <aio/http.hpp>
#include <aio/web.hpp>
#endif
