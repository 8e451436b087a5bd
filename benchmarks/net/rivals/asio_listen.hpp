// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers on Boost.Asio have in common: a loop that accepts, on one thread.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

#include "../server.hpp"

namespace bench {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

template <class Serve>
void accept_next(tcp::acceptor& acceptor, Serve& serve) {
  acceptor.async_accept([&](error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      serve(std::move(socket));
    }
    accept_next(acceptor, serve);
  });
}

/// Gives each connection to `serve(socket)`, which starts what calls itself back.
template <class Serve>
void serve_with_callbacks(const address& where, Serve serve) {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), listen_on(where));
  accept_next(acceptor, serve);
  context.run();
}

template <class Serve>
asio::awaitable<void> accept_all(tcp::acceptor acceptor, Serve& serve) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
  }
}

/// Gives each connection to a coroutine `serve(socket)`.
template <class Serve>
void serve_with_coroutines(const address& where, Serve serve) {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), listen_on(where));
  asio::co_spawn(context, accept_all(std::move(acceptor), serve), asio::detached);
  context.run();
}

}  // namespace bench
