// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a connection within the process.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/net/detail/write_buffer.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace aio::detail {

/// What is written here waits in our queue until the other end takes it, which it does
/// on its next turn unless it has paused reading. No kernel holds bytes between the
/// two: the water marks of the queue are all the room there is.
///
/// The ends behave as those of a socket. Closing with bytes that were not taken in, or
/// writing to an end that is gone, breaks the connection of the other.
///
/// It owns itself until connection_lost() has returned.
class memory_transport final : public transport_interface {
 public:
  /// At most `piece` bytes arrive here per turn.
  memory_transport(loop_core& loop, const endpoint& own, const endpoint& peer,
                   std::size_t piece) noexcept
      : loop_(&loop), sockname_(own), peername_(peer), piece_(piece) {}

  /// Both must be given their protocol, and be started.
  void connect(memory_transport& other) noexcept {
    peer_ = &other;
    other.peer_ = this;
  }

  void start() {
    face_ = transport(intrusive_ptr<transport_interface>(this));
    loop_->add_service(*this);
    guarded("protocol.connection_made() failed",
            [this] { protocol_->connection_made(face_); });
  }

  // ----- reading -----

  void pause_reading() override { is_paused_ = true; }

  void resume_reading() override {
    if (!is_paused_ || is_closing_) return;
    is_paused_ = false;
    step_soon();
  }

  bool is_reading() const noexcept override { return !is_closing_ && !is_paused_; }

  // ----- writing -----

  void write(std::string_view bytes) override {
    if (is_eof_written_) {
      throw usage_error("write() after write_eof(): nothing may follow");
    }
    if (bytes.empty()) return;
    if (is_lost_) return warn_of_lost_write();
    if (is_peer_gone()) return fail_as_reset();
    queue_.append(bytes);
    peer_->step_soon();
    if (queue_.size() > high_water_) pause_writing();
  }

  void write_eof() override {
    if (is_closing_ || is_eof_written_) return;
    is_eof_written_ = true;
    if (peer_ != nullptr) peer_->step_soon();
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

  endpoint peername() const override { return peername_; }
  endpoint sockname() const override { return sockname_; }
  int native_handle() const noexcept override { return -1; }

  void set_protocol(std::shared_ptr<base_protocol> protocol) override {
    const auto streaming = dynamic_cast<aio::protocol*>(protocol.get());
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

  /// The handle that the protocol is given.
  transport& face() noexcept { return face_; }

 private:
  static constexpr std::size_t receive_size = 64 * 1024;
  // What a reader asks its source to pause for arrives in small portions.
  static constexpr std::size_t buffered_size = 1024;

  /// Our place in the ready queue: all that is to be done on the next turn.
  struct next_step final : ready_node {
    explicit next_step(memory_transport& of) noexcept : self(of) {}
    void run() override {
      const intrusive_ptr<memory_transport> keep(&self);
      self.step();
    }
    memory_transport& self;
  };

  void step_soon() noexcept {
    if (!step_.is_linked()) loop_->push(step_);
  }

  void step() {
    if (is_lost_) return connection_lost();
    receive();
  }

  bool is_peer_gone() const noexcept { return peer_ == nullptr || peer_->is_lost_; }

  // ----- reading -----

  bool wants_to_read() const noexcept {
    return !is_paused_ && !is_closing_ && !is_eof_received_;
  }

  /// What the other end has for us.
  std::size_t incoming() const noexcept {
    return peer_ == nullptr ? 0 : peer_->queue_.size();
  }

  // Only what was there at the beginning: a peer that writes whenever it may must not
  // keep the others waiting.
  void receive() {
    const std::size_t offered = std::min(incoming(), piece_);
    std::size_t received = 0;
    while (received < offered && incoming() > 0 && wants_to_read()) {
      const std::size_t n = receive_some(offered - received);
      if (n == 0) break;
      received += n;
    }
    if (!wants_to_read()) return;
    if (incoming() > 0 || received == piece_) return step_soon();
    if (is_peer_gone() || peer_->is_eof_written_) end_of_file();
  }

  /// Returns how much; 0 if the protocol failed, or has aborted the other end.
  std::size_t receive_some(std::size_t most) {
    const std::span<char> room = lend_room();
    const std::size_t size = std::min({room.size(), most, incoming()});
    if (size == 0) return 0;
    // It lives on while it is ours: it ends in a step of its own.
    memory_transport& from = *peer_;
    from.copy_front(room.first(size));
    from.queue_.consume(size);
    deliver(room.first(size));
    from.was_taken();
    return size;
  }

  std::span<char> lend_room() {
    if (buffered_ == nullptr) {
      if (!room_) room_ = std::make_unique_for_overwrite<char[]>(receive_size);
      return {room_.get(), receive_size};
    }
    std::span<char> room;
    guarded("protocol.get_buffer() failed", [&] {
      room = buffered_->get_buffer(std::min({buffered_size, piece_, incoming()}));
      if (room.empty()) throw usage_error("get_buffer() returned an empty buffer");
    });
    if (is_lost_) return {};
    return room.first(std::min(room.size(), buffered_size));
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

  void copy_front(std::span<char> to) const {
    std::size_t filled = 0;
    queue_.for_each_chunk(static_cast<std::size_t>(-1), [&](std::string_view chunk) {
      const std::size_t n = std::min(chunk.size(), to.size() - filled);
      if (n > 0) std::memcpy(to.data() + filled, chunk.data(), n);
      filled += n;
    });
  }

  /// The other end has taken some of the queue.
  void was_taken() {
    if (is_lost_) return;
    if (queue_.size() <= low_water_) resume_writing();
    if (queue_.empty() && is_closing_) lose(nullptr);
  }

  void pause_writing() {
    if (is_writing_paused_) return;
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

  void fail_as_reset() noexcept {
    fail(std::make_exception_ptr(boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset), "sending")));
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
    if (peer_ != nullptr) peer_->peer_lost();
  }

  void peer_lost() noexcept {
    if (is_lost_) return;
    if (!queue_.empty()) return fail_as_reset();
    step_soon();  // to see the end of the file
  }

  void connection_lost() {
    const scope_exit at_last([this] { end(); });
    reported("protocol.connection_lost() failed",
             [this] { protocol_->connection_lost(std::exchange(error_, nullptr)); });
  }

  void end() noexcept {
    resident::unlink();
    if (peer_ != nullptr) std::exchange(peer_, nullptr)->peer_ = nullptr;
    streaming_ = nullptr;
    buffered_ = nullptr;
    const transport own_reference = std::move(face_);
    const std::shared_ptr<base_protocol> last_of_it = std::move(protocol_);
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
  endpoint sockname_;
  endpoint peername_;
  std::size_t piece_;
  memory_transport* peer_ = nullptr;  ///< null once one of the two has ended
  transport face_;  // also our own reference, until connection_lost() has returned
  std::shared_ptr<base_protocol> protocol_;
  aio::protocol* streaming_ = nullptr;
  buffered_protocol* buffered_ = nullptr;
  std::exception_ptr error_;
  std::unique_ptr<char[]> room_;

  write_buffer queue_;
  std::size_t high_water_ = 64 * 1024;
  std::size_t low_water_ = 16 * 1024;

  std::uint8_t writes_after_loss_ = 0;
  bool is_paused_ = false;
  bool is_eof_received_ = false;
  bool is_eof_written_ = false;
  bool is_writing_paused_ = false;
  bool is_closing_ = false;
  bool is_lost_ = false;

  next_step step_{*this};
};

}  // namespace aio::detail
