// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door to HTTP for clients. It needs Boost.URL and Boost.JSON, which are
/// libraries; with zlib bodies may be compressed, with OpenSSL there is https.
///
///     aio::http::client_session session;
///     auto resp = co_await session.get("http://example.org/");
///     fmt::print("{}\n", co_await resp.text());

#pragma once

#include <aio/http/client_options.hpp>
#include <aio/http/client_response.hpp>
#include <aio/http/client_session.hpp>
#include <aio/http/cookie_jar.hpp>
#include <aio/http/date.hpp>
#include <aio/http/error.hpp>
#include <aio/http/form_data.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/json.hpp>
#include <aio/http/parameters.hpp>
#include <aio/http/status.hpp>
#include <aio/http/ws_connect.hpp>
