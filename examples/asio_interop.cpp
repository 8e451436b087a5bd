// asio_interop: a program on Boost.Asio, with callbacks and an io_context that it runs
// itself, in which some parts are coroutines of aio. Operations of Asio are awaited with
// aio::use_aio, whether they are Asio's own or composed by hand as read_frame is here; a
// callback starts a coroutine with aio::spawn. It prints what a client and a server say.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

// ----- a component for Asio, as there are many; it knows nothing of aio -----

/// A frame is a byte with the length and then so many bytes.
template <class Token>
auto async_read_frame(tcp::socket& from, std::string& frame, Token&& token) {
  enum { begin, length, body } state = begin;
  return asio::async_compose<Token, void(error_code, std::size_t)>(
      [&from, &frame, state](auto& self, error_code error = {},
                             std::size_t = 0) mutable {
        if (error) return self.complete(error, 0);
        switch (std::exchange(state, state == begin ? length : body)) {
          case begin:
            frame.resize(1);
            return asio::async_read(from, asio::buffer(frame), std::move(self));
          case length:
            frame.resize(static_cast<unsigned char>(frame[0]));
            return asio::async_read(from, asio::buffer(frame), std::move(self));
          case body:
            return self.complete({}, frame.size());
        }
      },
      token, from);
}

// ----- coroutines of aio that use it -----

aio::coro<> write_frame(tcp::socket& to, std::string_view text) {
  const std::string frame = static_cast<char>(text.size()) + std::string(text);
  co_await asio::async_write(to, asio::buffer(frame), aio::use_aio);
}

aio::coro<int> serve(tcp::socket client) {
  std::string frame;
  for (int count = 0;; ++count) {
    // Where an error is to be expected, it comes as a value as well.
    auto [error, size] =
        co_await async_read_frame(client, frame, asio::as_tuple(aio::use_aio));
    if (error == asio::error::eof) co_return count;
    if (error) throw boost::system::system_error(error);
    fmt::print("Server: {} bytes, '{}'\n", size, frame);
    co_await write_frame(client, "you said " + frame);
  }
}

aio::coro<> ask(tcp::endpoint server) {
  tcp::socket socket(aio::get_running_loop().io_context());
  co_await socket.async_connect(server, aio::use_aio);
  std::string answer;
  for (std::string_view word : {"hello", "goodbye"}) {
    co_await write_frame(socket, word);
    co_await async_read_frame(socket, answer, aio::use_aio);
    fmt::print("Client: '{}'\n", answer);
  }
  try {
    // All of aio goes with it: the timeout cancels the operation of Asio.
    co_await aio::wait_for(async_read_frame(socket, answer, aio::use_aio), 50ms);
  } catch (const aio::timeout_error&) {
    fmt::print("Client: nothing more is coming\n");
  }
}

// ----- the program, in callbacks -----

int main() {
  asio::io_context context;
  aio::event_loop loop(context);  // a guest in the context

  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  acceptor.async_accept([&](error_code error, tcp::socket client) {
    if (error) return;
    aio::spawn(loop, serve(std::move(client)),
               [](std::exception_ptr failure, int count) {
                 if (!failure) fmt::print("Callback: served {} frames\n", count);
               });
  });
  aio::spawn(loop, ask(acceptor.local_endpoint()), [](std::exception_ptr failure) {
    fmt::print("Callback: the client {}\n", failure ? "failed" : "is done");
  });

  context.run();
}
