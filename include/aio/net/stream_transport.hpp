// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connected stream socket: receives for its protocol, sends what that writes.

#pragma once

#include <aio/core/ready_node.hpp>
#include <aio/io/asio_driver.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/write_buffer.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

struct server_tag;

/// A server that wants to know of the end of its connections.
class connection_owner : public ref_counted {
 public:
  virtual void connection_ended() noexcept = 0;
};

/// Reading: when the set says that there is something, until nothing is left. A receive
/// that did not fill its room has taken all, unless the set has spoken of an end.
///
/// Writing: straight to the kernel while nothing is queued. Further writes of the same
/// turn are queued and leave together on the next.
///
/// It owns itself until connection_lost() has returned.
class stream_transport final : public transport_interface,
                               public list_hook<server_tag>,
                               private watcher {
 public:
  stream_transport(event_loop& loop, descriptor fd, endpoint peer)
      : loop_(&loop.core()),
        driver_(loop.asio()),
        fd_(std::move(fd)),
        peer_(std::move(peer)) {
    set_no_delay(fd_.get());
  }

  /// Hands the connection to `protocol`: connection_made(), then reading starts.
  void start(std::shared_ptr<base_protocol> protocol,
             intrusive_ptr<connection_owner> owner = nullptr) {
    driver_.watch(fd_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
    face_ = transport(intrusive_ptr<transport_interface>(this));
    loop_->add_service(*this);
    owner_ = std::move(owner);
    set_protocol(std::move(protocol));
    guarded("protocol.connection_made() failed",
            [this] { protocol_->connection_made(face_); });
  }

  /// The handle that the protocol is given.
  transport& face() noexcept { return face_; }

  // ----- reading -----

  void pause_reading() override { is_paused_ = true; }

  void resume_reading() override {
    if (!is_paused_ || is_closing_) return;
    is_paused_ = false;
    if (is_readable_) step_soon();
  }

  bool is_reading() const noexcept override { return !is_closing() && !is_paused_; }

  // ----- writing -----

  void write(std::string_view bytes) override {
    if (is_eof_written_) {
      throw usage_error("write() after write_eof(): nothing may follow");
    }
    if (bytes.empty()) return;
    if (is_lost_) return warn_of_lost_write();
    if (queue_.empty() && !sent_this_turn()) {
      sent_in_turn_ = this_turn();
      bytes.remove_prefix(send_now(bytes));
      if (bytes.empty() || is_lost_) return;
    }
    queue_.append(bytes);
    if (!is_waiting_for_room_) step_soon();
    if (queue_.size() > high_water_) pause_writing();
  }

  void write_eof() override {
    if (is_closing() || is_eof_written_) return;
    is_eof_written_ = true;
    if (queue_.empty()) shut_down_sending();
  }
  bool can_write_eof() const noexcept override { return true; }

  std::size_t get_write_buffer_size() const noexcept override { return queue_.size(); }

  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    const std::size_t upper = high ? *high : low ? 4 * *low : 64 * 1024;
    const std::size_t lower = low ? *low : upper / 4;
    if (lower > upper) {
      throw std::invalid_argument("write buffer limits: low must not be above high");
    }
    high_water_ = upper;
    low_water_ = lower;
    if (queue_.size() > high_water_) pause_writing();
  }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override {
    return {low_water_, high_water_};
  }

  // ----- the end -----

  void close() noexcept override {
    if (is_closing_) return;
    is_closing_ = true;
    if (queue_.empty()) lose(nullptr);
  }
  void abort() noexcept override {
    is_closing_ = true;
    lose(nullptr);
  }
  bool is_closing() const noexcept override { return is_closing_; }

  // ----- about it -----

  endpoint peername() const override { return peer_; }
  endpoint sockname() const override {
    if (last_sockname_) return *last_sockname_;
    return fd_ ? local_endpoint(fd_.get()) : endpoint();
  }
  int native_handle() const noexcept override { return fd_.get(); }

  void set_protocol(std::shared_ptr<base_protocol> protocol) override {
    const auto streaming = dynamic_cast<protocol_type*>(protocol.get());
    const auto buffered = dynamic_cast<buffered_protocol*>(protocol.get());
    if (streaming == nullptr && buffered == nullptr) {
      throw std::invalid_argument(
          "a protocol must derive from aio::protocol or aio::buffered_protocol");
    }
    streaming_ = streaming;
    buffered_ = buffered;
    protocol_ = std::move(protocol);
  }
  std::shared_ptr<base_protocol> get_protocol() const override { return protocol_; }

 private:
  using protocol_type = aio::protocol;

  // A protocol that keeps what it receives is lent as much room as it has filled
  // lately: idle connections hold the least.
  static constexpr std::array<std::size_t, 4> receive_sizes{256, 2048, 16384, 65536};
  static constexpr int greedy_receives = 16;

  /// Our place in the ready queue: all that is to be done on the next turn.
  struct next_step final : ready_node {
    explicit next_step(stream_transport& of) noexcept : self(of) {}
    void run() override {
      const intrusive_ptr<stream_transport> keep(&self);
      self.step();
    }
    stream_transport& self;
  };

  void step_soon() noexcept {
    if (!step_.is_linked()) loop_->push(step_);
  }

  void step() {
    if (is_lost_) return connection_lost();
    receive();
    if (!is_waiting_for_room_) flush();
  }

  void ready(std::uint32_t events) override {
    const intrusive_ptr<stream_transport> keep(this);
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    if ((events & (EPOLLIN | EPOLLRDHUP | broken)) != 0) {
      is_readable_ = true;
      if ((events & (EPOLLRDHUP | broken)) != 0) is_end_near_ = true;
      receive();
    }
    if ((events & (EPOLLOUT | broken)) != 0 && is_waiting_for_room_) {
      is_waiting_for_room_ = false;
      flush();
    }
  }

  // ----- reading -----

  bool wants_to_read() const noexcept {
    return !is_paused_ && !is_closing_ && !is_eof_received_;
  }

  // Bounded, so that one busy peer does not keep the others waiting.
  void receive() {
    for (int i = 0; is_readable_ && wants_to_read(); ++i) {
      if (i == greedy_receives) return step_soon();
      const std::span<char> room = lend_room();
      if (room.empty()) return;  // the protocol failed
      const ssize_t n = receive_some(fd_.get(), room);
      if (n <= 0) {
        is_readable_ = false;
        if (n == 0) return end_of_file();
        if (!would_block(errno)) fail_with(last_error(), "receiving");
        return;
      }
      const auto size = static_cast<std::size_t>(n);
      is_readable_ = size == room.size() || is_end_near_;
      deliver(room.first(size));
      adapt(size, room.size());
    }
  }

  std::span<char> lend_room() {
    if (buffered_ == nullptr) return driver_.scratch();
    std::span<char> room;
    guarded("protocol.get_buffer() failed", [&] {
      room = buffered_->get_buffer(receive_sizes[receive_level_]);
      if (room.empty()) throw usage_error("get_buffer() returned an empty buffer");
    });
    return room;
  }

  void deliver(std::span<const char> bytes) {
    guarded("protocol.data_received() failed", [&] {
      if (buffered_ != nullptr) {
        buffered_->buffer_updated(bytes.size());
      } else {
        streaming_->data_received({bytes.data(), bytes.size()});
      }
    });
  }

  void adapt(std::size_t received, std::size_t room) noexcept {
    if (received == room) {
      if (receive_level_ + 1U < receive_sizes.size()) ++receive_level_;
    } else if (receive_level_ > 0 && received < receive_sizes[receive_level_ - 1U]) {
      --receive_level_;
    }
  }

  void end_of_file() {
    is_eof_received_ = true;
    bool keep_open = false;
    guarded("protocol.eof_received() failed", [&] {
      keep_open =
          buffered_ != nullptr ? buffered_->eof_received() : streaming_->eof_received();
    });
    if (!keep_open) close();
  }

  // ----- writing -----

  std::uint32_t this_turn() const noexcept {
    return static_cast<std::uint32_t>(loop_->turn_number());
  }
  bool sent_this_turn() const noexcept { return sent_in_turn_ == this_turn(); }

  /// Returns how many bytes have gone.
  std::size_t send_now(std::string_view bytes) {
    const ssize_t n = send_some(fd_.get(), bytes);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (would_block(errno)) {
      is_waiting_for_room_ = true;
    } else {
      fail_with(last_error(), "sending");
    }
    return 0;
  }

  void flush() {
    if (is_lost_) return;
    while (!queue_.empty()) {
      const ssize_t n = send_some(fd_.get(), queue_);
      if (n < 0) {
        if (!would_block(errno)) return fail_with(last_error(), "sending");
        is_waiting_for_room_ = true;
        break;
      }
      sent_in_turn_ = this_turn();
      queue_.consume(static_cast<std::size_t>(n));
    }
    if (queue_.size() <= low_water_) resume_writing();
    if (!queue_.empty() || is_lost_) return;
    if (is_closing_) return lose(nullptr);
    if (is_eof_written_) shut_down_sending();
  }

  void shut_down_sending() { ::shutdown(fd_.get(), SHUT_WR); }

  void pause_writing() {
    if (is_writing_paused_) return;
    // What only waits for the end of the turn is no reason to stop.
    if (!is_waiting_for_room_) {
      flush();
      if (queue_.size() <= high_water_ || is_lost_) return;
    }
    is_writing_paused_ = true;
    reported("protocol.pause_writing() failed", [this] { protocol_->pause_writing(); });
  }

  void resume_writing() {
    if (!is_writing_paused_) return;
    is_writing_paused_ = false;
    reported("protocol.resume_writing() failed",
             [this] { protocol_->resume_writing(); });
  }

  void warn_of_lost_write() {
    constexpr int tolerated = 5;
    if (writes_after_loss_ <= tolerated) ++writes_after_loss_;
    if (writes_after_loss_ == tolerated) {
      loop_->call_exception_handler(
          {"write() on a connection that is lost, again and again: ask is_closing()",
           nullptr,
           {}});
    }
  }

  // ----- the end -----

  void fail_with(boost::system::error_code error, const char* doing) noexcept {
    fail(std::make_exception_ptr(boost::system::system_error(error, doing)));
  }

  /// Something broke that no caller can be told about.
  void fail(std::exception_ptr error) noexcept {
    is_closing_ = true;
    lose(std::move(error));
  }

  void lose(std::exception_ptr error) noexcept {
    if (is_lost_) return;
    is_lost_ = true;
    queue_.clear();
    error_ = std::move(error);
    step_soon();
  }

  void connection_lost() {
    const scope_exit at_last([this] { end(); });
    reported("protocol.connection_lost() failed",
             [this] { protocol_->connection_lost(std::exchange(error_, nullptr)); });
  }

  void end() noexcept {
    resident::unlink();
    list_hook<server_tag>::unlink();
    last_sockname_ = std::make_unique<endpoint>(sockname());
    driver_.unwatch(fd_.get(), *this);
    fd_ = descriptor();
    streaming_ = nullptr;
    buffered_ = nullptr;
    const transport own_reference = std::move(face_);
    const std::shared_ptr<base_protocol> last_of_it = std::move(protocol_);
    if (owner_) std::exchange(owner_, nullptr)->connection_ended();
  }

  void loop_closing() noexcept override {
    is_closing_ = is_lost_ = true;
    queue_.clear();
    step_.unlink();
    connection_lost();
  }

  /// A callback whose failure ends the connection.
  template <class F>
  void guarded(const char* message, F call) {
    try {
      call();
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_->call_exception_handler({message, std::current_exception(), {}});
      fail(std::current_exception());
    }
  }

  /// A callback whose failure is only reported.
  template <class F>
  void reported(const char* message, F call) {
    try {
      call();
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_->call_exception_handler({message, std::current_exception(), {}});
    }
  }

  intrusive_ptr<loop_core> loop_;
  asio_driver& driver_;
  descriptor fd_;
  endpoint peer_;
  transport face_;  // also our own reference, until connection_lost() has returned
  std::shared_ptr<base_protocol> protocol_;
  protocol_type* streaming_ = nullptr;
  buffered_protocol* buffered_ = nullptr;
  intrusive_ptr<connection_owner> owner_;
  std::exception_ptr error_;

  std::unique_ptr<endpoint> last_sockname_;

  write_buffer queue_;
  std::size_t high_water_ = 64 * 1024;
  std::size_t low_water_ = 16 * 1024;
  std::uint32_t sent_in_turn_ = 0;

  std::uint8_t receive_level_ = 0;
  std::uint8_t writes_after_loss_ = 0;
  bool is_readable_ : 1 = false;
  bool is_end_near_ : 1 = false;
  bool is_paused_ : 1 = false;
  bool is_eof_received_ : 1 = false;
  bool is_eof_written_ : 1 = false;
  bool is_waiting_for_room_ : 1 = false;
  bool is_writing_paused_ : 1 = false;
  bool is_closing_ : 1 = false;
  bool is_lost_ : 1 = false;

  next_step step_{*this};
};

}  // namespace aio::detail
