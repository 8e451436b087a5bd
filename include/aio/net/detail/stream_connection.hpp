// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The protocol behind a reader and a writer.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/detail/frame_pool.hpp>
#include <aio/net/detail/reader_state.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/ssl_error.hpp>
#include <aio/net/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <utility>

namespace aio::detail {

/// Receives straight into the reader's buffer. Alive as long as there is a reader, a
/// writer or the connection.
class stream_connection : public reader_state, public pooled, public buffered_protocol {
 public:
  stream_connection(loop_core& loop, std::size_t limit_bytes)
      : reader_state(limit_bytes), loop_(&loop) {}

  /// As the protocol of a transport: shares ownership by our own count.
  static std::shared_ptr<base_protocol> as_protocol(
      const intrusive_ptr<stream_connection>& of) {
    // Without a control block; connection_made() and end() keep the reference.
    return std::shared_ptr<base_protocol>(std::shared_ptr<void>(), of.get());
  }

  bool is_lost() const noexcept { return is_lost_; }

  // The last writer that goes closes the connection.
  void add_writer() noexcept { ++writers_; }
  void drop_writer() noexcept {
    if (--writers_ == 0 && source) source.close();
  }

  /// Throws what broke the connection, or that it is lost.
  void check_writable() const {
    if (error) std::rethrow_exception(error);
    if (is_lost_) {
      throw boost::system::system_error(
          make_error_code(boost::system::errc::connection_reset),
          "the connection is lost");
    }
  }

  bool is_closing() const { return source.is_closing(); }

  /// Which side of a TLS handshake is ours.
  virtual bool is_server_side() const noexcept { return false; }
  loop_core& loop() const noexcept { return *loop_; }

  wait_list draining;  ///< those in drain()
  wait_list closing;   ///< those in wait_closed()
  bool is_writing_paused = false;

 protected:
  // Both bases bring a virtual destructor; the count decides.
  ~stream_connection() override = default;

  void connection_made(transport& t) override {
    source = t;
    keep_ = intrusive_ptr<stream_connection>(this);
  }

 private:
  void connection_lost(std::exception_ptr why) override {
    const intrusive_ptr<stream_connection> last = std::move(keep_);
    is_lost_ = true;
    if (why) {
      is_error_last = holds<ssl_eof_error>(why);
      set_exception(std::move(why));
    } else {
      feed_eof();
    }
    draining.wake_all();
    closing.wake_all();
  }

  void pause_writing() override { is_writing_paused = true; }
  void resume_writing() override {
    is_writing_paused = false;
    draining.wake_all();
  }

  std::span<char> get_buffer(std::size_t) override { return buffer.prepare(); }
  void buffer_updated(std::size_t size) override {
    buffer.commit(size);
    bytes_came();
  }
  bool eof_received() override {
    feed_eof();
    return source.can_write_eof();  // the other direction stays open, if there is one
  }

  intrusive_ptr<loop_core> loop_;
  intrusive_ptr<stream_connection> keep_;
  std::uint32_t writers_ = 0;
  bool is_lost_ = false;
};

}  // namespace aio::detail
