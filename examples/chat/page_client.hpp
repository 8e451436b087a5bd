// Clients that are pages in browsers: a WebSocket each.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>
#include <aio/web.hpp>

#include "hub.hpp"

namespace chat {

/// The handler of the WebSocket; what is said there is in wire.hpp.
aio::coro<aio::web::response> serve_page(hub& of, aio::web::request& req);

}  // namespace chat
