// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What transports of bytes have in common: whom they deliver to, and how.

#pragma once

#include <aio/net/detail/transport_base.hpp>
#include <aio/net/detail/write_buffer.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace aio::detail {

class byte_transport : public transport_base<stream_interface, transport> {
 public:
  /// Hands the connection to `protocol`; then reading starts.
  virtual void start(std::shared_ptr<base_protocol> protocol,
                     intrusive_ptr<connection_owner> owner = nullptr) {
    set_protocol(std::move(protocol));
    begin(std::move(owner));
  }

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

  void writelines(std::span<const std::string_view> list) override {
    for (const std::string_view bytes : list) write(bytes);
  }

  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override {
    if (!is_paused_ || is_closing_) return;
    is_paused_ = false;
    read_on();
  }
  bool is_reading() const noexcept override { return !is_closing_ && !is_paused_; }

  std::size_t get_write_buffer_size() const noexcept override { return queue_.size(); }

 protected:
  using transport_base::transport_base;

  /// Reading is no longer paused.
  virtual void read_on() { work_soon(); }

  bool wants_to_read() const noexcept {
    return !is_paused_ && !is_closing_ && !is_eof_received_;
  }

  bool is_buffered() const noexcept { return buffered_ != nullptr; }

  /// Room in the memory of the protocol, if it has such; empty if it failed.
  std::span<char> lend_room(std::size_t hint) {
    std::span<char> room;
    guarded("protocol.get_buffer() failed", [&] {
      room = buffered_->get_buffer(hint);
      if (room.empty()) throw usage_error("get_buffer() returned an empty buffer");
    });
    return is_lost_ ? std::span<char>() : room;
  }

  /// `bytes` are in the room that was lent, or of ours.
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

  /// Whether `bytes` are to be written: false, they are not needed or lost already.
  bool admits(std::string_view bytes) {
    if (is_eof_written_) {
      throw usage_error("write() after write_eof(): nothing may follow");
    }
    if (bytes.empty()) return false;
    if (is_lost_) warn_of_lost_write();
    return !is_lost_;
  }

  void drop_queue() noexcept override { queue_.clear(); }

  void let_go() noexcept override {
    streaming_ = nullptr;
    buffered_ = nullptr;
  }

  write_buffer queue_;

  void greet() override {
    if (buffered_ != nullptr) {
      buffered_->connection_made(face());
    } else {
      streaming_->connection_made(face());
    }
  }

 private:
  aio::protocol* streaming_ = nullptr;
  buffered_protocol* buffered_ = nullptr;

 protected:
  bool is_paused_ : 1 = false;
  bool is_eof_received_ : 1 = false;
  bool is_eof_written_ : 1 = false;
};

}  // namespace aio::detail
