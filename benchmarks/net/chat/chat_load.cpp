// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Clients of a chat, some of whom talk, and a check of everything that they hear.
//
//     chat_load PORT FIRST COUNT CLIENTS ROOMS TALKERS RATE MESSAGES
//
// Of CLIENTS in all these are the COUNT from FIRST on, so that several processes, with
// the descriptors of several, can be one crowd. TALKERS of the CLIENTS, the same number in
// each room, say MESSAGES each, RATE a second. When all have joined it prints "ready" and
// waits for a line; then it talks until everybody has heard everything, or nothing comes
// for ten seconds, and prints one line of JSON. Exit code 1 if a message was lost, came
// twice, or out of order.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../histogram.hpp"
#include "../load_tools.hpp"
#include "frames.hpp"

namespace {

struct crowd {
  std::uint16_t port = 0;
  std::uint64_t first = 0, count = 0, clients = 0, rooms = 0, talkers = 0;
  double rate = 0;
  std::uint64_t messages = 0;

  std::uint64_t room_of(std::uint64_t client) const { return client % rooms; }
  std::uint64_t talkers_in_room() const { return talkers / rooms; }
  /// Which of the talkers in his room he is; as many as there are if he is none.
  std::uint64_t talker_of(std::uint64_t client) const {
    const std::uint64_t every = clients / rooms / talkers_in_room();
    const std::uint64_t place = client / rooms;
    return place % every == 0 ? std::min(place / every, talkers_in_room())
                              : talkers_in_room();
  }
};

struct client {
  int fd = -1;
  std::string unread;
  std::vector<std::uint64_t> heard;  ///< of each talker in the room
};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "chat_load: %s: %s\n", what, bench::error_text(errno).c_str());
  std::exit(1);
}

class load {
 public:
  explicit load(const crowd& of) : of_(of), clients_(of.count) {}

  void join_all() {
    for (std::uint64_t i = 0; i < of_.count; ++i) join(i);
    // Everybody has been welcomed when the last one has been told of himself.
    while (welcomed_ < of_.count) poll(bench::patience * 1000);
  }

  void talk() {
    start_ = bench::ticks();
    const double gap = 1e9 / of_.rate;
    struct due {
      double at;
      std::uint64_t who;
    };
    std::vector<due> all;
    for (std::uint64_t i = 0; i < of_.count; ++i) {
      const std::uint64_t id = of_.first + i;
      if (of_.talker_of(id) == of_.talkers_in_room()) continue;
      const double phase = static_cast<double>(id * 7919 % of_.clients);
      const double offset = gap * phase / static_cast<double>(of_.clients);
      for (std::uint64_t n = 0; n < of_.messages; ++n) {
        all.push_back({offset + gap * static_cast<double>(n), i});
      }
    }
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.at < b.at; });
    std::vector<std::uint64_t> said(of_.count);
    const std::uint64_t expected = of_.count * of_.talkers_in_room() * of_.messages;
    std::uint64_t last_news = start_;
    std::uint64_t known = 0;
    for (std::size_t next = 0; next < all.size() || received_ < expected;) {
      const std::uint64_t now = bench::ticks();
      while (next < all.size() && all[next].at <= static_cast<double>(now - start_)) {
        say(all[next].who, said[all[next].who]++);
        last_news = now;
        ++next;
      }
      if (received_ != known) last_news = now;
      known = received_;
      if (now - last_news > 10'000'000'000) break;
      poll(1);
    }
    lost_ = expected - std::min(expected, received_);
  }

  /// Returns: the exit code
  int report() const {
    std::printf(
        "{\"received\": %llu, \"lost\": %llu, \"disorder\": %llu, \"gone\": %llu, "
        "\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}\n",
        number(received_), number(lost_), number(disorder_), number(gone_),
        latency_.quantile(0.5) / 1e6, latency_.quantile(0.99) / 1e6,
        latency_.quantile(0.999) / 1e6, latency_.quantile(1) / 1e6);
    return lost_ + disorder_ + gone_ > 0 ? 1 : 0;
  }

 private:
  static unsigned long long number(std::uint64_t n) { return n; }

  void join(std::uint64_t i) {
    client& c = clients_[i];
    const std::uint64_t id = of_.first + i;
    c.heard.resize(of_.talkers_in_room());
    c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c.fd < 0) die("socket");
    bench::set_option(c.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const sockaddr_in to = bench::address_of("127.0.0.1", of_.port);
    if (connect(c.fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      die("connect");
    }
    std::string hello =
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    bench::append_frame(hello,
                        "{\"type\":\"join\",\"room\":\"r" +
                            std::to_string(of_.room_of(id)) + "\",\"name\":\"c" +
                            std::to_string(id) + "\"}",
                        true);
    if (send(c.fd, hello.data(), hello.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(hello.size())) {
      die("send");
    }
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = i;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &interest) != 0) die("epoll_ctl");
    // So that the server is never far behind.
    while (welcomed_ + 100 < i) poll(bench::patience * 1000);
  }

  void say(std::uint64_t i, std::uint64_t n) {
    const std::uint64_t talker = of_.talker_of(of_.first + i);
    std::string text = std::to_string(talker) + " " + std::to_string(n) + " " +
                       std::to_string(bench::ticks()) + " ";
    text.resize(64, '.');
    std::string frame;
    bench::append_frame(frame,
                        "{\"type\":\"say\",\"text\":\"" + text + "\",\"mark\":\"" +
                            std::to_string(n) + "\"}",
                        true);
    if (send(clients_[i].fd, frame.data(), frame.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(frame.size())) {
      die("send");
    }
  }

  void poll(int milliseconds) {
    std::array<epoll_event, 512> events;
    const int n = epoll_wait(epoll_, events.data(), events.size(), milliseconds);
    if (n < 0 && errno != EINTR) die("epoll_wait");
    if (n == 0 && milliseconds > 1000) {
      errno = ETIMEDOUT;
      die("joining");
    }
    for (int k = 0; k < n; ++k) {
      hear(clients_[events[static_cast<std::size_t>(k)].data.u64]);
    }
  }

  void hear(client& c) {
    const ssize_t n = recv(c.fd, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) {
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      ++gone_;
      epoll_ctl(epoll_, EPOLL_CTL_DEL, c.fd, nullptr);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
    if (!c.unread.empty()) {
      c.unread += bytes;
      bytes = c.unread;
    }
    if (bytes.starts_with("HTTP/")) {
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end == bytes.npos) {
        c.unread = std::string(bytes);
        return;
      }
      bytes.remove_prefix(end + 4);
    }
    const std::uint64_t now = bench::ticks();
    while (const auto one = bench::first_frame(bytes)) {
      if (one->opcode == 1) take(c, one->payload, now);
      if (one->opcode == 9) pong(c);
      bytes.remove_prefix(one->size);
    }
    c.unread = std::string(bytes);
  }

  void pong(const client& c) {
    constexpr std::string_view frame("\x8a\x80\0\0\0\0", 6);
    if (send(c.fd, frame.data(), frame.size(), MSG_NOSIGNAL) < 0) ++gone_;
  }

  void take(client& c, std::string_view text, std::uint64_t now) {
    if (text.find("\"type\":\"welcome\"") != text.npos) ++welcomed_;
    if (text.find("\"type\":\"message\"") == text.npos) return;
    std::string_view said = bench::field(text, "\"text\":\"");
    const auto next = [&said] {
      std::uint64_t parsed = 0;
      const auto [end, error] =
          std::from_chars(said.data(), said.data() + said.size(), parsed);
      said.remove_prefix(static_cast<std::size_t>(end - said.data()));
      if (!said.empty()) said.remove_prefix(1);
      return parsed;
    };
    const std::uint64_t talker = next();
    const std::uint64_t n = next();
    const std::uint64_t at = next();
    if (talker >= c.heard.size() || c.heard[talker] != n) {
      ++disorder_;
      return;
    }
    ++c.heard[talker];
    ++received_;
    latency_.add(now - at);
  }

  crowd of_;
  std::vector<client> clients_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::array<char, 65536> buffer_;
  std::uint64_t start_ = 0;
  std::uint64_t welcomed_ = 0, received_ = 0, lost_ = 0, disorder_ = 0, gone_ = 0;
  bench::histogram latency_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) {
    std::fprintf(stderr,
                 "usage: %s PORT FIRST COUNT CLIENTS ROOMS TALKERS RATE MESSAGES\n",
                 argv[0]);
    return 2;
  }
  const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
  crowd of;
  of.port = static_cast<std::uint16_t>(number(1));
  of.first = number(2);
  of.count = number(3);
  of.clients = number(4);
  of.rooms = number(5);
  of.talkers = number(6);
  of.rate = std::strtod(argv[7], nullptr);
  of.messages = number(8);
  if (of.rooms == 0 || of.talkers == 0 || of.talkers % of.rooms != 0 ||
      of.clients % of.talkers != 0 || of.rate <= 0) {
    std::fprintf(stderr,
                 "chat_load: the rooms must have as many talkers each, and there must "
                 "be as many clients to each talker\n");
    return 2;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  static load all(of);
  all.join_all();
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  all.talk();
  return all.report();
}
