// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "load.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "load_tools.hpp"
#include "secure_link.hpp"

namespace bench {
namespace {

constexpr std::size_t group = 64;  // fits into any accept queue

}  // namespace

echo_clients::echo_clients(std::string host, std::uint16_t port, std::size_t count,
                           socket_kind kind, std::size_t line)
    : host_(std::move(host)),
      port_(port),
      count_(count),
      kind_(kind),
      first_echo_size_(line > 0 ? line : 64),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      pattern_(std::make_unique<byte_pattern>(line)),
      buffer_(chunk) {
  if (!epoll_) throw load_error("epoll_create1: " + error_text(errno));
  clients_.reserve(count);
  while (clients_.size() < count)
    connect_group(std::min(group, count - clients_.size()));
}

echo_clients::~echo_clients() = default;

echo_clients::client::client() = default;
echo_clients::client::client(client&&) noexcept = default;
echo_clients::client::~client() = default;

void echo_clients::connect_group(std::size_t size) {
  const std::size_t begin = clients_.size();
  while (clients_.size() < begin + size) connect_next();
  for (std::size_t i = begin; i < clients_.size(); ++i) {
    finish_first_echo(clients_[i]);
    watch(EPOLL_CTL_ADD, clients_[i], false);
  }
}

void echo_clients::connect_next() {
  client c;
  c.number = clients_.size();
  if (!connect_to_server(c, source_)) {
    // All ports between this address and the server are taken; the loopback network
    // has more addresses.
    source_ = source_ == nullptr && host_.starts_with("127.") ? "127.0.0.2" : nullptr;
    if (source_ == nullptr || !connect_to_server(c, source_)) {
      fail(c, "cannot connect: all local ports are in use");
    }
  }
  if (kind_ == socket_kind::tls) c.secure = std::make_unique<secure_link>(c.fd.get());
  start_first_echo(c);
  clients_.push_back(std::move(c));
}

// Returns: false when there is no free local port
bool echo_clients::connect_to_server(client& c, const char* source) {
  const int type = kind_ == socket_kind::datagram ? SOCK_DGRAM : SOCK_STREAM;
  c.fd = unique_fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  if (!c.fd) fail(c, "cannot open a socket: " + error_text(errno) + " (ulimit -n)");
  const int fd = c.fd.get();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_RCVTIMEO, timeval{patience, 0});
  set_option(fd, SOL_SOCKET, SO_SNDTIMEO, timeval{patience, 0});
  if (source != nullptr) {
    const sockaddr_in from = address_of(source, 0);
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
      fail(c, std::string("cannot bind to ") + source + ": " + error_text(errno));
    }
  }
  const sockaddr_in to = address_of(host_.c_str(), port_);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return true;
  if (errno == EADDRNOTAVAIL) return false;
  if (errno == EINPROGRESS) errno = ETIMEDOUT;  // how the send timeout shows here
  fail(c, "cannot connect: " + error_text(errno));
}

void echo_clients::start_first_echo(client& c) {
  c.asked = first_echo_size_;
  send_pending(c);
}

void echo_clients::finish_first_echo(client& c) {
  const std::uint64_t end = ticks() + std::uint64_t{patience} * 1'000'000'000;
  while (c.received < c.sent) {
    pollfd ready{c.fd.get(), POLLIN, 0};
    if (poll(&ready, 1, patience * 1000) < 0 || ticks() > end) {
      fail(c, "no reply to the first request");
    }
    receive_all(c);
  }
}

load_report echo_clients::run(const load_options& options) {
  options_ = options;
  stopping_ = false;
  left_ = options.requests > 0 ? options.requests : UINT64_MAX;
  last_reply_ = now_ = ticks();
  for (client& c : clients_) {
    c.started.assign(options.depth, 0);
    c.oldest = 0;
    start_requests(c, options.depth);
  }
  if (options.requests == 0) run_for(options.warm_up);

  report_ = {};
  if (options.window_begins) options.window_begins();
  last_reply_ = ticks();
  const std::uint64_t cpu = cpu_time_of(options.server);
  const std::uint64_t begin = ticks();
  options.requests == 0 ? run_for(options.window) : run_to_the_end();
  while (report_.requests == 0) turn();  // on a busy machine the first may take longer
  report_.wall_seconds = static_cast<double>(ticks() - begin) / 1e9;
  report_.cpu_seconds = static_cast<double>(cpu_time_of(options.server) - cpu) / 1e9;
  if (options.window_ends) options.window_ends();
  last_reply_ = ticks();
  const load_report report = report_;

  stopping_ = true;  // the last replies are not counted, but they are verified
  run_to_the_end();
  return report;
}

void echo_clients::run_for(seconds duration) {
  now_ = ticks();
  const std::uint64_t end = now_ + ticks_of(duration);
  while (now_ < end) turn();
}

void echo_clients::run_to_the_end() {
  while (under_way_ > 0) turn();
}

void echo_clients::turn() {
  std::array<epoll_event, 256> events;
  const int wait_ms = options_.spin ? 0 : 20;
  const int n = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
  now_ = ticks();
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    client& c = clients_[event.data.u64];
    if (event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) receive_all(c);
    if (event.events & EPOLLOUT) send_pending(c);
  }
  if (now_ - last_reply_ > std::uint64_t{patience} * 1'000'000'000) {
    throw load_error(host_ + ":" + std::to_string(port_) + ": no reply for " +
                     std::to_string(patience) + " seconds, with " +
                     std::to_string(under_way_) + " requests under way");
  }
}

void echo_clients::start_requests(client& c, std::size_t count) {
  // The ring is full at the start and a reply frees one place for its successor, so
  // the places in front of `oldest` are those of the newest.
  const std::size_t place = c.oldest + options_.depth - count;
  count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
  left_ -= count;
  for (std::size_t i = 0; i < count; ++i) {
    c.started[(place + i) % options_.depth] = now_;
  }
  c.asked += count * options_.size;
  under_way_ += count;
  send_pending(c);
}

void echo_clients::send_pending(client& c) {
  while (c.sent < c.asked) {
    const std::size_t most = kind_ == socket_kind::datagram ? options_.size : chunk;
    const std::size_t size = std::min<std::uint64_t>(c.asked - c.sent, most);
    const ssize_t n = send_to(c, pattern_->at(c.number, c.sent), size);
    if (n >= 0) {
      c.sent += static_cast<std::uint64_t>(n);
    } else if (errno == EAGAIN) {
      if (!c.waits_to_send) watch(EPOLL_CTL_MOD, c, true);
      return;
    } else if (errno != EINTR) {
      fail(c, "cannot send: " + error_text(errno));
    }
  }
  if (c.waits_to_send) watch(EPOLL_CTL_MOD, c, false);
}

ssize_t echo_clients::send_to(client& c, const char* data, std::size_t size) {
  if (c.secure) return c.secure->send(data, size);
  return send(c.fd.get(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// TLS may have taken more from the socket than it has returned.
void echo_clients::receive_all(client& c) {
  while (receive(c) && c.secure && c.secure->has_pending()) {
  }
}

// Returns: whether there was anything
bool echo_clients::receive(client& c) {
  const ssize_t n =
      c.secure ? c.secure->receive(buffer_.data(), buffer_.size())
               : recv(c.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n == 0) fail(c, "the server closed the connection");
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    fail(c, "the server dropped the connection: " + error_text(errno));
  }
  verify(c, buffer_.data(), static_cast<std::size_t>(n));
  last_reply_ = now_ = ticks();
  if (c.started.empty()) return true;  // the first echo

  std::size_t replies = 0;
  c.in_reply += static_cast<std::size_t>(n);
  for (; c.in_reply >= options_.size; c.in_reply -= options_.size) {
    report_.latency.add(now_ - c.started[c.oldest]);
    c.oldest = (c.oldest + 1) % options_.depth;
    ++replies;
  }
  report_.requests += replies;
  under_way_ -= replies;
  if (replies > 0 && !stopping_) start_requests(c, replies);
  return true;
}

void echo_clients::verify(client& c, const char* data, std::size_t size) {
  if (c.received + size > c.sent)
    fail(c, "the server sent bytes that nobody sent to it");
  const char* expected = pattern_->at(c.number, c.received);
  if (std::memcmp(data, expected, size) != 0) {
    const auto wrong = std::mismatch(data, data + size, expected).first - data;
    fail(c, "wrong byte at position " +
                std::to_string(c.received + static_cast<std::uint64_t>(wrong)));
  }
  c.received += size;
}

void echo_clients::watch(int operation, client& c, bool waits_to_send) {
  epoll_event event{};
  event.events = waits_to_send ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = c.number;
  if (epoll_ctl(epoll_.get(), operation, c.fd.get(), &event) != 0) {
    fail(c, "epoll_ctl: " + error_text(errno));
  }
  c.waits_to_send = waits_to_send;
}

void echo_clients::fail(const client& c, const std::string& why) const {
  throw load_error(host_ + ":" + std::to_string(port_) + ", client " +
                   std::to_string(c.number + 1) + " of " + std::to_string(count_) +
                   ": " + why);
}

}  // namespace bench
