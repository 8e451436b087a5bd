// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A transport on a descriptor: receives for its protocol, sends what that writes.

#pragma once

#include <aio/coro/wait_list.hpp>
#include <aio/io/asio_driver.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/byte_transport.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/write_buffer.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Reading: when the set says that there is something, until nothing is left. A receive
/// that did not fill its room has taken all, unless the set has spoken of an end.
///
/// Writing: straight to the kernel while nothing is queued. Further small writes of the
/// same turn are queued and leave together on the next; who has done so lately does it
/// again, so its first small write of a turn waits for the others.
class descriptor_transport : public byte_transport, protected watcher {
 public:
  descriptor_transport(event_loop& loop, descriptor fd)
      : byte_transport(loop.core()), driver_(loop.asio()), fd_(std::move(fd)) {}

  void start(std::shared_ptr<base_protocol> protocol,
             intrusive_ptr<connection_owner> owner = nullptr) override {
    set_protocol(std::move(protocol));
    watch();
    begin(std::move(owner));
    if (!is_watched_) work_soon();
  }

  void write(std::string_view bytes) override {
    if (direct_sender_ != nullptr) {
      throw usage_error("unable to write; sendfile is in progress");
    }
    if (!admits(bytes)) return;
    if (queue_.empty() && (!gathers_writes() || bytes.size() >= worth_a_call)) {
      sent_in_turn_ = this_turn();
      bytes.remove_prefix(send_now(bytes));
      if (bytes.empty() || is_lost_) return;
    } else if (!queue_.empty() || sent_this_turn()) {
      has_gathered_ = true;
    }
    queue_.append(bytes);
    if (!is_waiting_for_room_) work_soon();
    check_high_water();
  }

  void writelines(std::span<const std::string_view> list) override {
    const bool can_leave_at_once = queue_.empty() && !gathers_writes() &&
                                   !is_closing_ && !is_eof_written_ &&
                                   direct_sender_ == nullptr;
    std::size_t gone = 0;
    if (can_leave_at_once && list.size() > 1) {
      sent_in_turn_ = this_turn();
      gathered front(list);
      gone = send_now(front);
      if (is_lost_) return;
    }
    for (std::string_view bytes : list) {
      const std::size_t skipped = std::min(gone, bytes.size());
      gone -= skipped;
      write(bytes.substr(skipped));
    }
  }

  void write_eof() override {
    if (is_closing_ || is_eof_written_) return;
    is_eof_written_ = true;
    if (queue_.empty()) end_sending();
  }
  bool can_write_eof() const noexcept override { return true; }

  int native_handle() const noexcept override { return fd_.get(); }

  // ----- sending past the queue; see sendfile.hpp -----

  /// write() is refused from here on. Those in `waiting` are woken when what they wait
  /// for may have come.
  ///
  /// Throws: usage_error – somebody does so already, or after write_eof()
  void begin_direct_sending(wait_list& waiting) {
    if (is_eof_written_) throw usage_error("sendfile() after write_eof()");
    if (direct_sender_ != nullptr) throw usage_error("sendfile is already in progress");
    direct_sender_ = &waiting;
  }
  void end_direct_sending() noexcept { direct_sender_ = nullptr; }

  /// Nothing is queued, and the descriptor has room for more; or it is lost.
  bool may_send_directly() const noexcept {
    return is_lost_ || (queue_.empty() && !is_waiting_for_room_);
  }
  /// A call has said that there is no room.
  void expect_room() noexcept { is_waiting_for_room_ = true; }

 protected:
  virtual std::uint32_t events_of_interest() const noexcept = 0;

  // The calls; they return -1 with errno set.
  virtual ssize_t receive(std::span<char> into) noexcept = 0;
  virtual ssize_t send(std::string_view bytes) noexcept = 0;
  virtual ssize_t send(gathered& pieces) noexcept = 0;
  /// Tells the peer that nothing follows.
  virtual void end_sending() noexcept = 0;

  void ready(std::uint32_t events) override {
    const intrusive_ptr<stream_interface> keep(this);
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    if ((events & (EPOLLIN | EPOLLRDHUP | broken)) != 0) {
      is_readable_ = true;
      if ((events & (EPOLLRDHUP | broken)) != 0) is_end_near_ = true;
      receive_all();
    }
    if ((events & (EPOLLOUT | broken)) != 0 && is_waiting_for_room_) {
      is_waiting_for_room_ = false;
      flush();
    }
  }

  void drop_queue() noexcept override {
    // What only waits for the end of the turn was written, and leaves.
    if (!queue_.empty() && !is_waiting_for_room_) send_front();
    byte_transport::drop_queue();
    if (direct_sender_ != nullptr) direct_sender_->wake_all();
  }

  void let_go() noexcept override {
    byte_transport::let_go();
    if (is_watched_) driver_.unwatch(fd_.get(), *this);
    fd_ = descriptor();
  }

  const descriptor& fd() const noexcept { return fd_; }
  /// Whoever has it closes it; before start() has succeeded.
  void disown() noexcept { fd_.release(); }

 private:
  static constexpr int greedy_receives = 16;
  // If the protocol keeps them: they are best used while they are in the cache.
  static constexpr std::size_t greedy_bytes = 64 * 1024;

  // To copy so much into the queue costs more than the call that would be saved.
  static constexpr std::size_t worth_a_call = 8 * 1024;

  void watch() {
    try {
      driver_.watch(fd_.get(), events_of_interest() | EPOLLET, *this);
      is_watched_ = true;
    } catch (const boost::system::system_error& error) {
      // A file on a disk: it never keeps anybody waiting.
      if (error.code() != boost::system::errc::operation_not_permitted) throw;
      is_readable_ = is_end_near_ = true;
    }
  }

  void work() override {
    receive_all();
    if (!is_waiting_for_room_) flush();
  }

  // ----- reading -----

  void read_on() override {
    if (is_readable_) work_soon();
  }

  // Bounded, so that one busy peer does not keep the others waiting.
  void receive_all() {
    std::size_t kept = 0;
    for (int i = 0; is_readable_ && wants_to_read(); ++i) {
      if (i == greedy_receives || kept >= greedy_bytes) return work_soon();
      const std::span<char> room =
          is_buffered() ? lend_room(greedy_bytes) : driver_.scratch();
      if (room.empty()) return;  // the protocol failed
      const ssize_t n = receive(room);
      if (n <= 0) {
        is_readable_ = false;
        if (n == 0) return end_of_file();
        if (!would_block(errno)) fail_with(last_error(), "receiving");
        return;
      }
      const auto size = static_cast<std::size_t>(n);
      is_readable_ = size == room.size() || is_end_near_;
      if (is_buffered()) {
        kept += size;
        driver_.count_kept(size);
      }
      deliver(room.first(size));
    }
  }

  // ----- writing -----

  std::uint32_t this_turn() const noexcept {
    return static_cast<std::uint32_t>(loop_->turn_number());
  }
  bool sent_this_turn() const noexcept { return sent_in_turn_ == this_turn(); }
  bool gathers_writes() const noexcept { return will_gather_ || sent_this_turn(); }

  /// Returns how many bytes have gone.
  template <class Bytes>
  std::size_t send_now(Bytes& bytes) {
    const ssize_t n = send(bytes);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (would_block(errno)) {
      is_waiting_for_room_ = true;
    } else {
      fail_with(last_error(), "sending");
    }
    return 0;
  }

  ssize_t send_front() noexcept {
    const std::string_view first = queue_.front();
    if (first.size() == queue_.size()) return send(first);
    gathered several(queue_);
    return send(several);
  }

  // What only waits for the end of the turn is no reason to stop.
  void relieve() override {
    if (!is_waiting_for_room_) flush();
  }

  void flush() {
    if (is_lost_) return;
    will_gather_ = has_gathered_;
    has_gathered_ = false;
    while (!queue_.empty()) {
      const ssize_t n = send_front();
      if (n < 0) {
        if (!would_block(errno)) return fail_with(last_error(), "sending");
        is_waiting_for_room_ = true;
        break;
      }
      sent_in_turn_ = this_turn();
      queue_.consume(static_cast<std::size_t>(n));
    }
    check_low_water();
    if (!queue_.empty() || is_lost_) return;
    if (direct_sender_ != nullptr) direct_sender_->wake_all();
    if (is_closing_) return lose(nullptr);
    if (is_eof_written_) end_sending();
  }

  asio_driver& driver_;
  descriptor fd_;
  wait_list* direct_sender_ = nullptr;
  std::uint32_t sent_in_turn_ = 0;
  bool is_watched_ : 1 = false;
  bool is_readable_ : 1 = false;
  bool is_end_near_ : 1 = false;
  bool is_waiting_for_room_ : 1 = false;
  bool has_gathered_ : 1 = false;  ///< more than one small write since the last flush
  bool will_gather_ : 1 = false;
};

}  // namespace aio::detail
