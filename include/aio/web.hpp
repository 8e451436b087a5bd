// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: a web server in the manner of aiohttp.
///
///     aio::coro<> serve() {
///       aio::web::application app;
///       app.get("/{name}", [](aio::web::request& req) -> aio::coro<aio::web::response> {
///         co_return aio::web::response::text(
///             fmt::format("Hello, {}!", req.match_info("name", "Anonymous")));
///       });
///       co_await aio::web::run_app(app, {.host = "localhost", .port = 8080});
///     }
///
/// Programs that use boost::json link to libboost_json.

#pragma once

#include <aio/web/access_logger.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/application.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/form_data.hpp>
#include <aio/web/format_logger.hpp>
#include <aio/web/handler.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/json.hpp>
#include <aio/web/keys.hpp>
#include <aio/web/multipart_reader.hpp>
#include <aio/web/normalize_path.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>
#include <aio/web/run_app.hpp>
#include <aio/web/sites.hpp>
#include <aio/web/sse_response.hpp>
#include <aio/web/static_files.hpp>
#include <aio/web/stream_response.hpp>
#include <aio/web/text_map.hpp>
#include <aio/web/websocket_response.hpp>
