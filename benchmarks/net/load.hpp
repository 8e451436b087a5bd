// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The load generator: clients of an echo server that check every byte.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "unique_fd.hpp"

namespace bench {

class byte_pattern;
class secure_link;

using seconds = std::chrono::duration<double>;

/// Whatever makes a measurement void: no connection, a wrong byte, a server that left.
struct load_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct load_options {
  std::size_t size = 64;  ///< bytes of a request, and of its reply
  std::size_t depth = 1;  ///< requests under way on each connection
  seconds warm_up{0.1};   ///< runs first and is not counted
  seconds window{1.0};    ///< the time that is measured
  /// So many requests and no more, all of which are measured; 0: what fits into the time.
  std::uint64_t requests = 0;
  pid_t server = 0;   ///< whose CPU time to read; 0: nobody's
  bool spin = false;  ///< never sleep; only for a generator with a CPU of its own

  /// Called when the window begins and when it ends; the load rests meanwhile.
  std::function<void()> window_begins = nullptr;
  std::function<void()> window_ends = nullptr;
};

struct load_report {
  std::uint64_t requests = 0;
  double wall_seconds = 0;
  double cpu_seconds = 0;  ///< of the server, all its threads
  histogram latency;       ///< from the send of a request to the last byte of its reply
};

enum class socket_kind { stream, datagram, tls };

/// Connections to one echo server. Over datagrams a request is one of them, and a lost
/// one is an error: nothing is lost within a machine unless somebody is too slow.
///
/// They are opened in small groups, and a group makes one echo each before the next is
/// opened. So no accept queue overflows, and afterwards the server has served them all.
/// The load is a closed loop: a reply starts the next request, so a slow server is
/// asked less often, and connections x depth requests are always under way.
class echo_clients {
 public:
  /// Connects `count` clients.
  ///
  /// Takes:  host – an IPv4 address; line – the size of each request when requests are
  ///         lines, the newline included
  /// Throws: load_error – which connection failed, and why
  echo_clients(std::string host, std::uint16_t port, std::size_t count,
               socket_kind kind = socket_kind::stream, std::size_t line = 0);
  ~echo_clients();

  /// Sends requests for warm-up and window, then waits for all replies.
  ///
  /// Throws: load_error – a wrong byte, a closed connection, five seconds of silence
  load_report run(const load_options& options);

 private:
  // Positions count the bytes of a connection's stream, from its first echo on.
  struct client {
    client();
    client(client&&) noexcept;
    ~client();

    unique_fd fd{};
    std::unique_ptr<secure_link> secure{};
    std::size_t number = 0;
    std::uint64_t asked = 0;     // end of the last request started
    std::uint64_t sent = 0;      // <= asked
    std::uint64_t received = 0;  // <= sent
    std::size_t in_reply = 0;    // bytes received of the oldest reply under way
    std::size_t oldest = 0;      // index of its start in the ring
    std::vector<std::uint64_t> started{};
    bool waits_to_send = false;
  };

  void connect_group(std::size_t size);
  void connect_next();
  bool connect_to_server(client& c, const char* source);
  void start_first_echo(client& c);
  void finish_first_echo(client& c);

  void run_for(seconds duration);
  void run_to_the_end();
  void turn();
  void start_requests(client& c, std::size_t count);
  void send_pending(client& c);
  ssize_t send_to(client& c, const char* data, std::size_t size);
  void receive_all(client& c);
  bool receive(client& c);
  void verify(client& c, const char* data, std::size_t size);
  void watch(int operation, client& c, bool waits_to_send);
  [[noreturn]] void fail(const client& c, const std::string& why) const;

  std::string host_;
  std::uint16_t port_;
  std::size_t count_;
  socket_kind kind_;
  std::size_t first_echo_size_;
  unique_fd epoll_;
  std::unique_ptr<const byte_pattern> pattern_;
  std::vector<char> buffer_;
  std::vector<client> clients_;
  const char* source_ = nullptr;

  load_options options_;
  load_report report_;
  std::uint64_t now_ = 0;
  std::uint64_t last_reply_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t left_ = 0;  // requests that may still be started
  bool stopping_ = false;
};

}  // namespace bench
