// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers on libuv have in common: a connection, and a listener.

#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "../server.hpp"

namespace bench {

/// One TCP connection. It frees itself when it is closed.
class uv_peer {
 public:
  uv_peer() {
    uv_tcp_init(uv_default_loop(), &handle_);
    handle_.data = this;
  }
  uv_peer(const uv_peer&) = delete;
  virtual ~uv_peer() = default;

  uv_tcp_t& handle() { return handle_; }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_); }

  virtual void accepted() { start_reading(); }
  void start_reading() { uv_read_start(stream(), lend, on_read); }

  void close() {
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&handle_))) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
      static_cast<uv_peer*>(handle->data)->closed();
    });
  }

 protected:
  virtual void received(std::string_view data) = 0;
  /// The other end will send no more.
  virtual void ended() { close(); }
  virtual void failed() { close(); }
  virtual void closed() { delete this; }

  /// Sends what came from here to a peer (this one, or one that lives as long): at once
  /// as far as its socket takes it. Until it has taken the rest nothing is read here.
  void pass_on(uv_peer& to, std::string_view data) {
    uv_buf_t all = buffer_of(data);
    const int sent = uv_try_write(to.stream(), &all, 1);
    if (sent == static_cast<int>(data.size())) return;
    if (sent < 0 && sent != UV_EAGAIN) return failed();
    const std::size_t gone = sent > 0 ? static_cast<std::size_t>(sent) : 0;
    rest_.reset(new rest{{}, std::string(data.substr(gone))});
    uv_buf_t part = buffer_of(rest_->data);
    rest_->request.data = this;
    uv_read_stop(stream());
    uv_write(&rest_->request, to.stream(), &part, 1, on_written);
  }

 private:
  struct rest {
    uv_write_t request;
    std::string data;
  };

  static uv_buf_t buffer_of(std::string_view data) {
    return uv_buf_init(const_cast<char*>(data.data()),
                       static_cast<unsigned>(data.size()));
  }

  // One buffer for all: it is empty again when `received` returns.
  static void lend(uv_handle_t*, std::size_t, uv_buf_t* room) {
    static std::array<char, 65536> buffer;
    *room = uv_buf_init(buffer.data(), buffer.size());
  }

  static void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t* room) {
    uv_peer& self = *static_cast<uv_peer*>(stream->data);
    if (n > 0) {
      self.received({room->base, static_cast<std::size_t>(n)});
    } else if (n == UV_EOF) {
      uv_read_stop(stream);
      self.ended();
    } else if (n < 0) {
      self.failed();
    }
  }

  static void on_written(uv_write_t* request, int error) {
    uv_peer& self = *static_cast<uv_peer*>(request->data);
    self.rest_.reset();
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&self.handle_))) return;
    error == 0 ? self.start_reading() : self.failed();
  }

  uv_tcp_t handle_;
  std::unique_ptr<rest> rest_;
};

/// Accepts connections, each as a new `Peer`; never returns.
template <class Peer>
[[noreturn]] void serve_with_libuv(const address& where) {
  uv_tcp_t listener;
  uv_tcp_init(uv_default_loop(), &listener);
  uv_tcp_open(&listener, listen_on(where, SOCK_NONBLOCK));
  const auto connected = [](uv_stream_t* from, int error) {
    if (error < 0) return;
    uv_peer* const peer = new Peer;
    if (uv_accept(from, peer->stream()) != 0) return peer->close();
    uv_tcp_nodelay(&peer->handle(), 1);
    peer->accepted();
  };
  const auto stream = reinterpret_cast<uv_stream_t*>(&listener);
  if (uv_listen(stream, SOMAXCONN, connected) != 0) die("uv_listen");
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  std::exit(1);
}

}  // namespace bench
