// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the echo servers have in common: arguments, the line that says where they
/// listen, and (for the two written on plain system calls) the listening socket.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace bench {

struct address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

[[noreturn]] inline void refuse_arguments(const char* program, const char* wanted) {
  std::fprintf(stderr, "usage: %s %s\n", program, wanted);
  std::exit(2);
}

inline bool parse_port(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && last == end;
}

/// Reads `[HOST [PORT]]` and makes writing to a vanished client an error, not a
/// signal. SIGTERM keeps its default action: a server here has nothing to tidy up.
inline address start_up(int argc, char** argv) {
  address a;
  if (argc > 3 || (argc > 2 && !parse_port(argv[2], a.port))) {
    refuse_arguments(argv[0], "[HOST [PORT]]    (default 127.0.0.1 0)");
  }
  if (argc > 1) a.host = argv[1];
  std::signal(SIGPIPE, SIG_IGN);
  return a;
}

/// Reads `HOST PORT TARGET_HOST TARGET_PORT`.
inline std::pair<address, address> start_up_proxy(int argc, char** argv) {
  address target;
  if (argc != 5 || !parse_port(argv[4], target.port)) {
    refuse_arguments(argv[0], "HOST PORT TARGET_HOST TARGET_PORT");
  }
  target.host = argv[3];
  return {start_up(3, argv), target};
}

struct tls_address : address {
  std::string certificate;  ///< the names of PEM files
  std::string key;
};

/// Reads `HOST PORT CERTIFICATE KEY`.
inline tls_address start_up_tls(int argc, char** argv) {
  if (argc != 5) refuse_arguments(argv[0], "HOST PORT CERTIFICATE KEY");
  return {start_up(3, argv), argv[3], argv[4]};
}

/// Takes `word` out of the arguments if it is the first.
inline bool take_word(int& argc, char**& argv, std::string_view word) {
  if (argc < 2 || argv[1] != word) return false;
  argv[1] = argv[0];
  ++argv;
  --argc;
  return true;
}

/// Tells the load generator where to connect; it waits for this line.
inline void announce(std::string_view host, std::uint16_t port) {
  std::printf("listening on %.*s:%u\n", static_cast<int>(host.size()), host.data(),
              static_cast<unsigned>(port));
  std::fflush(stdout);
}

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

inline sockaddr_in to_native(const address& a) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(a.port);
  if (inet_pton(AF_INET, a.host.c_str(), &in.sin_addr) != 1) {
    std::fprintf(stderr, "not an IPv4 address: %s\n", a.host.c_str());
    std::exit(2);
  }
  return in;
}

/// Opens a socket on an IPv4 address and announces its port.
///
/// Takes: type – SOCK_STREAM or SOCK_DGRAM, with flags such as SOCK_NONBLOCK
inline int bind_to(const address& a, int type) {
  sockaddr_in in = to_native(a);
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&in), sizeof in) != 0) die("bind");
  if ((type & SOCK_STREAM) != 0 && listen(fd, SOMAXCONN) != 0) die("listen");
  socklen_t size = sizeof in;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size) != 0) die("getsockname");
  announce(a.host, ntohs(in.sin_port));
  return fd;
}

/// Opens a listening socket on an IPv4 address and announces its port.
inline int listen_on(const address& a, int flags = 0) {
  return bind_to(a, SOCK_STREAM | flags);
}

/// Replies leave at once; without this a pipelined echo waits for acknowledgements.
inline void send_without_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench
