// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: TLS, which needs OpenSSL 3.
///
///     auto [reader, writer] = co_await aio::open_connection(
///         "example.org", 443, {.ssl = aio::ssl_context::client()});
///
/// <aio/aio.hpp> includes it where OpenSSL is installed; a program that speaks TLS links
/// with -lssl -lcrypto, which the CMake target does.

#pragma once

#include <aio/net.hpp>
#include <aio/tls/make_context.hpp>
