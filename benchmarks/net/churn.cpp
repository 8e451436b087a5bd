// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "churn.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

#include "load_tools.hpp"

namespace bench {
namespace {

// So many addresses have ports enough for a minute of connections, which is how long
// the kernel remembers one that has ended.
constexpr std::uint32_t first_address = 0x7f000101;  // 127.0.1.1
constexpr std::uint32_t addresses = 250;

sockaddr_in source_of(std::uint64_t connection) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr =
      htonl(first_address + static_cast<std::uint32_t>(connection % addresses));
  return from;
}

}  // namespace

churn_clients::churn_clients(const std::string& host, std::uint16_t port,
                             std::size_t count)
    : host_(host),
      port_(port),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      pattern_(std::make_unique<byte_pattern>()),
      buffer_(chunk),
      clients_(count) {
  if (!epoll_) throw load_error("epoll_create1: " + error_text(errno));
}

churn_clients::~churn_clients() = default;

load_report churn_clients::run(const load_options& options) {
  options_ = options;
  last_end_ = ticks();
  most_ = options.requests > 0 ? connections_ + options.requests : UINT64_MAX;
  for (std::size_t i = 0; i < clients_.size(); ++i) start_if_wanted(i);
  if (options.requests == 0) run_for(options.warm_up);

  report_ = {};
  if (options.window_begins) options.window_begins();
  last_end_ = ticks();
  const std::uint64_t cpu = cpu_time_of(options.server);
  const std::uint64_t begin = ticks();
  options.requests == 0 ? run_for(options.window) : run_to_the_end();
  while (report_.requests == 0) turn();  // on a busy machine the first may take longer
  report_.wall_seconds = static_cast<double>(ticks() - begin) / 1e9;
  report_.cpu_seconds = static_cast<double>(cpu_time_of(options.server) - cpu) / 1e9;
  if (options.window_ends) options.window_ends();
  last_end_ = ticks();
  const load_report report = report_;

  stopping_ = true;
  run_to_the_end();
  return report;
}

void churn_clients::run_for(seconds duration) {
  const std::uint64_t end = ticks() + ticks_of(duration);
  while (ticks() < end) turn();
}

void churn_clients::run_to_the_end() {
  while (under_way_ > 0) turn();
}

void churn_clients::turn() {
  std::array<epoll_event, 256> events;
  const int wait_ms = options_.spin ? 0 : 20;
  const int n = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
  for (int i = 0; i < n; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
  if (ticks() - last_end_ > std::uint64_t{patience} * 1'000'000'000) {
    fail("no connection ended for " + std::to_string(patience) + " seconds, with " +
         std::to_string(under_way_) + " under way");
  }
}

void churn_clients::start_if_wanted(std::size_t index) {
  if (!stopping_ && connections_ < most_) start(index);
}

// Within a machine a connection is made before connect returns, whether the server has
// accepted it or not.
void churn_clients::start(std::size_t index) {
  client& c = clients_[index];
  c.number = connections_++;
  c.started = ticks();
  c.received = 0;
  c.fd = unique_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!c.fd) fail("cannot open a socket: " + error_text(errno));
  const int fd = c.fd.get();
  set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const sockaddr_in from = source_of(c.number);
  const sockaddr_in to = address_of(host_.c_str(), port_);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    fail("cannot connect: " + error_text(errno));
  }
  const char* const data = pattern_->at(c.number % 65521, 0);
  const auto size = static_cast<ssize_t>(options_.size);
  if (send(fd, data, options_.size, MSG_NOSIGNAL) != size) {
    fail("cannot send: " + error_text(errno));
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    fail("epoll_ctl: " + error_text(errno));
  }
  ++under_way_;
}

void churn_clients::receive(std::size_t index) {
  client& c = clients_[index];
  const ssize_t n = recv(c.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    fail("the server dropped the connection: " + error_text(errno));
  }
  const auto size = static_cast<std::size_t>(n);
  if (n > 0) {
    if (c.received + size > options_.size) fail("the server sent too much");
    const char* const expected = pattern_->at(c.number % 65521, c.received);
    if (std::memcmp(buffer_.data(), expected, size) != 0) fail("a wrong byte");
    c.received += size;
    if (c.received == options_.size) shutdown(c.fd.get(), SHUT_WR);
    return;
  }
  if (c.received < options_.size) fail("the server closed the connection too early");
  c.fd.reset();
  last_end_ = ticks();
  report_.latency.add(last_end_ - c.started);
  ++report_.requests;
  --under_way_;
  start_if_wanted(index);
}

void churn_clients::fail(const std::string& why) const {
  throw load_error(host_ + ":" + std::to_string(port_) + ", connection " +
                   std::to_string(connections_) + ": " + why);
}

}  // namespace bench
