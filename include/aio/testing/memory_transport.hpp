// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a connection within the process.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/net/detail/byte_transport.hpp>
#include <aio/net/endpoint.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
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
class memory_transport final : public byte_transport {
 public:
  /// At most `piece` bytes arrive here per turn.
  memory_transport(loop_core& loop, const endpoint& own, const endpoint& peer,
                   std::size_t piece) noexcept
      : byte_transport(loop), sockname_(own), peername_(peer), piece_(piece) {}

  /// Both must be started.
  void connect(memory_transport& other) noexcept {
    peer_ = &other;
    other.peer_ = this;
  }

  void write(std::string_view bytes) override {
    if (!admits(bytes)) return;
    if (is_peer_gone()) return fail_as_reset();
    queue_.append(bytes);
    peer_->work_soon();
    check_high_water();
  }

  void write_eof() override {
    if (is_closing_ || is_eof_written_) return;
    is_eof_written_ = true;
    if (peer_ != nullptr) peer_->work_soon();
  }
  bool can_write_eof() const noexcept override { return true; }

  endpoint peername() const override { return peername_; }
  endpoint sockname() const override { return sockname_; }
  int native_handle() const noexcept override { return -1; }

 private:
  static constexpr std::size_t receive_size = 64 * 1024;
  // What a reader asks its source to pause for arrives in small portions.
  static constexpr std::size_t buffered_size = 1024;

  bool is_peer_gone() const noexcept { return peer_ == nullptr || peer_->is_lost_; }

  // ----- reading -----

  /// What the other end has for us.
  std::size_t incoming() const noexcept {
    return peer_ == nullptr ? 0 : peer_->queue_.size();
  }

  // Only what was there at the beginning: a peer that writes whenever it may must not
  // keep the others waiting.
  void work() override {
    const std::size_t offered = std::min(incoming(), piece_);
    std::size_t received = 0;
    while (received < offered && incoming() > 0 && wants_to_read()) {
      const std::size_t n = receive_some(offered - received);
      if (n == 0) break;
      received += n;
    }
    if (!wants_to_read()) return;
    if (incoming() > 0 || received == piece_) return work_soon();
    if (is_peer_gone() || peer_->is_eof_written_) end_of_file();
  }

  /// Returns how much; 0 if the protocol failed, or has aborted the other end.
  std::size_t receive_some(std::size_t most) {
    const std::span<char> room = find_room();
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

  std::span<char> find_room() {
    if (!is_buffered()) {
      if (!room_) room_ = std::make_unique_for_overwrite<char[]>(receive_size);
      return {room_.get(), receive_size};
    }
    const auto room = lend_room(std::min({buffered_size, piece_, incoming()}));
    return room.first(std::min(room.size(), buffered_size));
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
    check_low_water();
    if (queue_.empty() && is_closing_) lose(nullptr);
  }

  // ----- the end -----

  void fail_as_reset() noexcept {
    fail_with(make_error_code(boost::system::errc::connection_reset), "sending");
  }

  void drop_queue() noexcept override {
    byte_transport::drop_queue();
    if (peer_ != nullptr) peer_->peer_lost();
  }

  void peer_lost() noexcept {
    if (is_lost_) return;
    if (!queue_.empty()) return fail_as_reset();
    work_soon();  // to see the end of the file
  }

  void let_go() noexcept override {
    byte_transport::let_go();
    if (peer_ != nullptr) std::exchange(peer_, nullptr)->peer_ = nullptr;
  }

  endpoint sockname_;
  endpoint peername_;
  std::size_t piece_;
  memory_transport* peer_ = nullptr;  ///< null once one of the two has ended
  std::unique_ptr<char[]> room_;
};

}  // namespace aio::detail
