// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: TCP connections and servers.
///
/// Two styles, which meet in the same transport:
///
/// | style     | client                        | server                  | written as |
/// | --------- | ----------------------------- | ----------------------- | ---------- |
/// | streams   | `open_connection(host, port)` | `start_server(f, …)`    | coroutines |
/// | protocols | `loop.create_connection(…)`   | `loop.create_server(…)` | callbacks  |
///
/// Take streams unless a profile says otherwise: protocols are the fastest.
///
///     aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
///       for (;;) {
///         std::string line = co_await reader.readline();
///         if (line.empty()) break;
///         writer.write(line);
///         co_await writer.drain();
///       }
///     }
///     aio::coro<> serve() {
///       auto server = co_await aio::start_server(echo, "127.0.0.1", 8888);
///       co_await server.serve_forever();
///     }
///
/// With the option ssl each of them speaks TLS; see ssl_context.
///
/// Errors of the system are boost::system::system_error; the end of a stream is no
/// error but an empty read.

#pragma once

#include <aio/io/event_loop.hpp>
#include <aio/net/connect_error.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/create_datagram_endpoint.hpp>
#include <aio/net/create_server.hpp>
#include <aio/net/datagram_protocol.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/getaddrinfo.hpp>
#include <aio/net/open_connection.hpp>
#include <aio/net/options.hpp>
#include <aio/net/pipes.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/sendfile.hpp>
#include <aio/net/server.hpp>
#include <aio/net/sock_calls.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/net/ssl_error.hpp>
#include <aio/net/start_server.hpp>
#include <aio/net/start_tls.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/net/tls_info.hpp>
#include <aio/net/transport.hpp>
#include <aio/net/udp_socket.hpp>
#include <aio/net/unix.hpp>
