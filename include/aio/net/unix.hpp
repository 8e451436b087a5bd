// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Unix sockets: streams, servers and protocols by the path of a file.
///
/// A path that begins with a null byte is an abstract name, which leaves no file.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/create_server.hpp>
#include <aio/net/detail/handshake_wait.hpp>
#include <aio/net/detail/listen.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/open_connection.hpp>
#include <aio/net/options.hpp>
#include <aio/net/server.hpp>
#include <aio/net/start_server.hpp>
#include <aio/task/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio {
namespace detail {

/// Cancellation: the socket is closed.
/// Throws:       boost::system::system_error – nobody listens; cancelled_error
inline coro<descriptor> connect_to_path(std::string path) {
  const endpoint peer = endpoint::unix_path(path);
  const socket_address address(peer);
  descriptor made = open_socket(AF_UNIX, SOCK_STREAM);
  // Where the line of those that wait to be accepted is full, nothing tells when it is
  // shorter.
  std::chrono::milliseconds pause(1);
  for (;;) {
    const auto error = start_connecting(made.get(), address);
    if (!error) break;
    if (!would_block(error.value())) {
      throw_error(error, "cannot connect to " + to_string(peer));
    }
    co_await sleep(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(50));
  }
  co_return made;
}

template <class Factory>
auto connect_protocol_to_path(event_loop& loop, Factory factory, std::string path,
                              tls_settings tls)
    -> coro<std::pair<transport, decltype(make_protocol(factory))>> {
  descriptor fd = co_await connect_to_path(path);
  auto protocol = make_protocol(factory);
  const intrusive_ptr<stream_transport> made(
      new stream_transport(loop, std::move(fd), endpoint::unix_path(std::move(path))));
  auto starting = start_transport(made, protocol, std::move(tls));
  transport started = co_await std::move(starting);
  co_return std::pair(std::move(started), std::move(protocol));
}

inline coro<stream_pair> connect_streams_to_path(std::string path, std::size_t limit,
                                                 tls_settings tls) {
  event_loop& loop = get_running_loop();
  descriptor fd = co_await connect_to_path(path);
  const intrusive_ptr<stream_connection> streams(
      new stream_connection(loop.core(), limit));
  stream_pair both{stream_reader(streams), stream_writer(streams)};
  const intrusive_ptr<stream_transport> made(
      new stream_transport(loop, std::move(fd), endpoint::unix_path(std::move(path))));
  auto starting =
      start_transport(made, stream_connection::as_protocol(streams), std::move(tls));
  co_await std::move(starting);
  co_return both;
}

inline coro<server> make_unix_server(event_loop& loop, server_state::acceptor on_accept,
                                     std::string path, server_options options) {
  co_return server(
      co_await listen_on_unix(loop, std::move(on_accept), std::move(path), options));
}

}  // namespace detail

/// Connects to a unix socket.
///
///     auto [reader, writer] = co_await aio::open_unix_connection("/run/it.sock");
///
/// Cancellation: gives the attempt up and closes the socket.
/// Throws:       boost::system::system_error – there is none, nobody listens, the path
///               is too long; cancelled_error; std::invalid_argument – a limit of 0
/// Like:         asyncio.open_unix_connection
inline coro<stream_pair> open_unix_connection(std::string_view path,
                                              connect_options options = {}) {
  if (options.limit == 0) {
    throw std::invalid_argument("open_unix_connection: a limit of 0");
  }
  return detail::connect_streams_to_path(std::string(path), options.limit,
                                         detail::client_tls(options, {}));
}

/// Listens on a unix socket, and runs `handler(reader, writer)` as a task for each
/// connection; see start_server. A socket that somebody has left at the path is
/// removed first, any other file is not. When the server closes its file is removed,
/// unless another has taken its place.
///
/// Cancellation: nothing listens.
/// Throws:       boost::system::system_error – the path is in use by another file, or
///               too long; cancelled_error; std::invalid_argument – a limit of 0
/// Like:         asyncio.start_unix_server
template <detail::stream_handler Handler>
coro<server> start_unix_server(Handler&& handler, std::string_view path,
                               server_options options = {}) {
  detail::check_sock(options, false);
  return detail::make_unix_server(
      get_running_loop(),
      detail::stream_acceptor(std::forward<Handler>(handler), options),
      std::string(path), options);
}

/// Connects `factory()` to a unix socket; see create_connection. With ssl the option
/// server_hostname must be given.
///
/// Like: loop.create_unix_connection
template <class Factory, class Options>
auto event_loop::create_unix_connection(Factory factory, std::string_view path,
                                        Options options) {
  return detail::connect_protocol_to_path(*this, std::move(factory), std::string(path),
                                          detail::client_tls(options, {}));
}

/// Serves a unix socket with protocols; see create_server and start_unix_server.
///
/// Like: loop.create_unix_server
template <class Factory, class Options>
coro<server> event_loop::create_unix_server(Factory factory, std::string_view path,
                                            Options options) {
  detail::check_sock(options, false);
  return detail::make_unix_server(
      *this, detail::protocol_acceptor(std::move(factory), options), std::string(path),
      options);
}

}  // namespace aio
