// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A socket for datagrams: receives for its protocol, sends what that gives it.

#pragma once

#include <aio/io/asio_driver.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/datagram_protocol.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/detail/transport_base.hpp>
#include <aio/net/endpoint.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Room for several datagrams, one for all sockets of a loop: what is in it is handed
/// on at once. A call that did not fill all places has taken all that was there.
class datagram_room final : public loop_service {
  static constexpr std::size_t places = 8;
  // No IP datagram is longer; of a unix socket the longest is this by default.
  static constexpr std::size_t place_size = 208 * 1024;

 public:
  explicit datagram_room(event_loop&)
      : bytes_(std::make_unique_for_overwrite<char[]>(places * place_size)) {
    for (std::size_t i = 0; i < places; ++i) {
      vectors_[i] = {bytes_.get() + i * place_size, place_size};
      msghdr& header = messages_[i].msg_hdr;
      header.msg_iov = &vectors_[i];
      header.msg_iovlen = 1;
      header.msg_name = from_[i].data();
    }
  }

  static constexpr std::size_t size() noexcept { return places; }

  /// How many have come; -1 with errno set.
  int receive(int fd) noexcept {
    for (auto& one : messages_) one.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    return static_cast<int>(uninterrupted([&] {
      return ::recvmmsg(fd, messages_.data(), places, MSG_DONTWAIT, nullptr);
    }));
  }

  std::string_view data(std::size_t i) const noexcept {
    return {bytes_.get() + i * place_size, messages_[i].msg_len};
  }
  endpoint from(std::size_t i) {
    from_[i].size() = messages_[i].msg_hdr.msg_namelen;
    return from_[i].size() == 0 ? endpoint() : from_[i].endpoint();
  }
  /// Whether it was longer than its place.
  bool is_cut(std::size_t i) const noexcept {
    return (messages_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;  // what is never used takes no memory
  std::array<iovec, places> vectors_{};
  std::array<socket_address, places> from_;
  std::array<mmsghdr, places> messages_{};
};

class datagram_socket final
    : public transport_base<datagram_interface, datagram_transport>,
      private watcher {
 public:
  /// `peer`: where datagrams go that name no address; `is_connected`: the kernel knows
  /// it as well.
  datagram_socket(event_loop& loop, descriptor fd, std::optional<endpoint> peer,
                  bool is_connected)
      : transport_base(loop.core()),
        driver_(loop.asio()),
        room_(loop.use_service<datagram_room>()),
        fd_(std::move(fd)),
        peer_(std::move(peer)),
        is_connected_(is_connected) {}

  void start(std::shared_ptr<base_protocol> protocol) {
    set_protocol(std::move(protocol));
    driver_.watch(fd_.get(), EPOLLIN | EPOLLOUT | EPOLLET, *this);
    begin();
  }

  void set_protocol(std::shared_ptr<base_protocol> protocol) override {
    const auto made = dynamic_cast<datagram_protocol*>(protocol.get());
    if (made == nullptr) {
      throw std::invalid_argument(
          "the protocol of datagrams must derive from aio::datagram_protocol");
    }
    told_ = made;
    protocol_ = std::move(protocol);
  }

  void sendto(std::string_view data, const endpoint* to) override {
    if (peer_ && to != nullptr && *to != *peer_) {
      throw std::invalid_argument("sendto: the endpoint sends to " + to_string(*peer_) +
                                  " only");
    }
    if (!peer_ && to == nullptr) {
      throw std::invalid_argument("sendto: where to? The endpoint has no peer");
    }
    if (is_lost_) return;
    const endpoint& where = to != nullptr ? *to : *peer_;
    if (queue_.empty() && send_now(data, where)) return;
    if (is_lost_) return;
    queue_.push_back({std::string(data), where});
    queued_ += data.size() + header_size;
    check_high_water();
  }

  void pause_reading() noexcept override { is_paused_ = true; }
  void resume_reading() noexcept override {
    is_paused_ = false;
    if (is_readable_) work_soon();
  }

  std::size_t get_write_buffer_size() const noexcept override { return queued_; }
  endpoint peername() const override { return peer_.value_or(endpoint()); }
  endpoint sockname() const override {
    return fd_ ? local_endpoint(fd_.get()) : endpoint();
  }
  int native_handle() const noexcept override { return fd_.get(); }

 private:
  struct datagram {
    std::string data;
    endpoint to;
  };

  // So that a queue of empty datagrams has a limit, too.
  static constexpr std::size_t header_size = 8;
  static constexpr int greedy_receives = 4;

  void greet() override { told_->connection_made(face()); }

  void work() override { receive(); }

  void ready(std::uint32_t events) override {
    const intrusive_ptr<datagram_interface> keep(this);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
      is_readable_ = true;
      receive();
    }
    if ((events & (EPOLLOUT | EPOLLERR)) != 0) flush();
  }

  // ----- receiving -----

  bool wants_to_read() const noexcept { return !is_paused_ && !is_closing_; }

  void receive() {
    for (int i = 0; is_readable_ && wants_to_read(); ++i) {
      if (i == greedy_receives) return work_soon();
      const int came = room_.receive(fd_.get());
      is_readable_ = came < 0 ? receiving_failed(last_error(), i)
                              : static_cast<std::size_t>(came) == room_.size();
      for (int n = 0; n < came && !is_closing_; ++n) {
        deliver(static_cast<std::size_t>(n));
      }
    }
  }

  /// Whether to try again: behind the answer to something we sent there may be
  /// datagrams, but a socket that only fails shall not keep the loop busy.
  bool receiving_failed(boost::system::error_code error, int attempts) {
    if (would_block(error.value())) return false;
    report(error, "receiving");
    return attempts + 1 < greedy_receives;
  }

  void deliver(std::size_t i) {
    if (room_.is_cut(i)) {
      return report(make_error_code(boost::system::errc::message_size), "receiving");
    }
    reported("protocol.datagram_received() failed",
             [&] { told_->datagram_received(room_.data(i), room_.from(i)); });
  }

  void report(boost::system::error_code error, const char* doing) {
    reported("protocol.error_received() failed", [&] {
      told_->error_received(
          std::make_exception_ptr(boost::system::system_error(error, doing)));
    });
  }

  // ----- sending -----

  /// Whether that is done with, be it by an error.
  bool send_now(std::string_view data, const endpoint& to) {
    socket_address address;
    socklen_t size = 0;
    if (!is_connected_) {
      address = socket_address(to);
      size = address.size();
    }
    const ssize_t n = uninterrupted([&] {
      return ::sendto(fd_.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                      size == 0 ? nullptr : address.data(), size);
    });
    if (n >= 0) return true;
    if (would_block(errno)) return false;
    report(last_error(), "sending");
    return true;
  }

  void flush() {
    while (!queue_.empty() && !is_lost_) {
      // The callback for an error may end us, and the queue.
      datagram first = std::move(queue_.front());
      if (!send_now(first.data, first.to)) {
        queue_.front() = std::move(first);
        return;
      }
      if (is_lost_) return;
      queued_ -= first.data.size() + header_size;
      queue_.pop_front();
      check_low_water();
    }
    if (is_closing_ && queue_.empty()) lose(nullptr);
  }

  // ----- the end -----

  void drop_queue() noexcept override {
    queue_.clear();
    queued_ = 0;
  }

  void let_go() noexcept override {
    driver_.unwatch(fd_.get(), *this);
    fd_ = descriptor();
    told_ = nullptr;
  }

  asio_driver& driver_;
  datagram_room& room_;
  descriptor fd_;
  std::optional<endpoint> peer_;
  datagram_protocol* told_ = nullptr;
  std::deque<datagram> queue_;
  std::size_t queued_ = 0;
  bool is_connected_;
  bool is_readable_ = false;
  bool is_paused_ = false;
};

}  // namespace aio::detail
