// One echo server with a coroutine per connection, one with a thread per connection,
// each in a process of its own so that its CPU time can be told.
//
// SPDX-License-Identifier: BSL-1.0

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "parts.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace demo {
namespace {

using seconds = std::chrono::duration<double>;

void check(bool is_good, const char* what) {
  if (!is_good) throw std::system_error(errno, std::generic_category(), what);
}

// ----- the servers: each tells its port, and serves until it is killed -----

void tell_port(int pipe, std::uint16_t port) {
  check(::write(pipe, &port, sizeof port) == sizeof port, "write");
}

aio::coro<> send_back(aio::stream_reader reader, aio::stream_writer writer) {
  try {
    for (;;) {
      const std::string data = co_await reader.read(16384);
      if (data.empty()) break;
      writer.write(data);
      co_await writer.drain();
    }
  } catch (const boost::system::system_error&) {
    // The load has ended while an answer was on its way.
  }
}

aio::coro<> serve_with_aio(int pipe) {
  const auto server = co_await aio::start_server(send_back, "127.0.0.1", 0);
  tell_port(pipe, server.port());
  co_await server.serve_forever();
}

void* send_back_in_thread(void* argument) {
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    const auto size = static_cast<std::size_t>(n);
    if (::send(fd, buffer.data(), size, MSG_NOSIGNAL) != n) break;  // it blocks
  }
  ::close(fd);
  return nullptr;
}

void serve_with_threads(int pipe) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  check(listener >= 0 && ::bind(listener, name, size) == 0, "bind");
  check(::listen(listener, 128) == 0, "listen");
  check(::getsockname(listener, name, &size) == 0, "getsockname");
  tell_port(pipe, ntohs(address.sin_port));

  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, 128 * 1024);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    void* const argument = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
    pthread_t thread;
    if (::pthread_create(&thread, &attributes, send_back_in_thread, argument) != 0) {
      ::close(fd);  // no more threads: the load will tell
    }
  }
}

// ----- processes and processors -----

std::vector<int> allowed_processors() {
  cpu_set_t set;
  std::vector<int> found;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return found;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<std::size_t>(i), &set)) found.push_back(i);
  }
  return found;
}

void run_on(const std::vector<int>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int i : processors) CPU_SET(static_cast<std::size_t>(i), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// A child process that serves; it ends with this object.
class server_process {
 public:
  enum class kind { aio, threads };

  server_process(kind what, const std::vector<int>& processors) {
    std::array<int, 2> pipe{};
    check(::pipe2(pipe.data(), O_CLOEXEC) == 0, "pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(pipe[0]);
      if (processors.size() > 1) run_on({processors[0]});
      serve(what, pipe[1]);
    }
    ::close(pipe[1]);
    const ssize_t n = pid_ < 0 ? -1 : ::read(pipe[0], &port_, sizeof port_);
    ::close(pipe[0]);
    if (n != sizeof port_) {
      end();
      throw std::runtime_error("an echo server could not be started");
    }
    check(::clock_getcpuclockid(pid_, &clock_) == 0, "clock_getcpuclockid");
  }
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  ~server_process() { end(); }

  std::uint16_t port() const noexcept { return port_; }

  seconds cpu_time() const {
    timespec time{};
    check(::clock_gettime(clock_, &time) == 0, "clock_gettime");
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

 private:
  // Only _exit() leaves the child: what the parent has opened is none of its business.
  [[noreturn]] static void serve(kind what, int pipe) noexcept {
    try {
      if (what == kind::aio) {
        aio::run(serve_with_aio(pipe));
      } else {
        serve_with_threads(pipe);
      }
    } catch (...) {
    }
    ::_exit(1);
  }

  void end() noexcept {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  clockid_t clock_{};
};

// ----- the load: the same for both -----

constexpr std::string_view message =
    "sixty-four bytes, which are sent again as soon as they are back\n";
static_assert(message.size() == 64);

class load_client final : public aio::protocol {
 public:
  explicit load_client(std::size_t& count) : count_(count) {}

  void connection_made(aio::transport& transport) override { transport_ = &transport; }

  void data_received(std::string_view data) override {
    if (data != message.substr(received_, data.size())) {
      return fail("an answer is not what was sent");
    }
    received_ += data.size();
    if (received_ < message.size()) return;
    received_ = 0;
    ++count_;
    transport_->write(message);
  }

  void connection_lost(std::exception_ptr) override {
    if (failure_.empty()) failure_ = "the server closed a connection";
  }

  void start() {
    if (failure_.empty()) transport_->write(message);
  }
  const std::string& failure() const noexcept { return failure_; }

 private:
  void fail(const char* why) {
    failure_ = why;
    transport_->abort();
  }

  aio::transport* transport_ = nullptr;
  std::size_t& count_;
  std::size_t received_ = 0;
  std::string failure_;
};

struct figures {
  double cpu_per_message = 0;  // microseconds
  double messages_per_second = 0;
};

aio::coro<figures> load(const server_process& server, std::size_t connections,
                        milliseconds time) {
  aio::event_loop& loop = aio::get_running_loop();
  std::size_t count = 0;
  std::vector<std::shared_ptr<load_client>> clients;
  for (std::size_t i = 0; i < connections; ++i) {
    auto connection = co_await loop.create_connection(
        [&] { return std::make_shared<load_client>(count); }, "127.0.0.1",
        server.port());
    clients.push_back(connection.second);
  }
  for (const auto& one : clients) one->start();
  co_await aio::sleep(time / 4);  // until all are under way

  const std::size_t count_before = count;
  const seconds cpu_before = server.cpu_time();
  const auto start = loop.time();
  co_await aio::sleep(time);
  const auto messages = static_cast<double>(count - count_before);
  const seconds cpu = server.cpu_time() - cpu_before;
  const seconds taken = loop.time() - start;

  for (const auto& one : clients) {
    if (!one->failure().empty()) throw std::runtime_error(one->failure());
  }
  if (messages == 0) throw std::runtime_error("no message came back");
  figures found;
  found.cpu_per_message = cpu.count() * 1e6 / messages;
  found.messages_per_second = messages / taken.count();
  co_return found;
}

figures measure(server_process::kind what, std::size_t connections, milliseconds time,
                const std::vector<int>& processors) {
  const server_process server(what, processors);
  return aio::run(load(server, connections, time));
}

// Descriptors for so many connections and some more.
bool can_open(std::size_t connections) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = connections + 64;
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur >= needed;
}

std::string as_text(const figures& f) {
  return fmt::format("{:>6.1f} us {:>9}/s", f.cpu_per_message,
                     grouped(static_cast<std::size_t>(f.messages_per_second)));
}

void compare_at(screen& out, std::size_t connections, milliseconds time,
                const std::vector<int>& processors) {
  using kind = server_process::kind;
  const std::string label = fmt::format("  {:>11}", grouped(connections));
  if (!can_open(connections)) {
    out.line(label + "   left out: this process may not open so many files");
    return;
  }
  out.draw({label + "   measuring aio ..."}, false);
  const figures ours = measure(kind::aio, connections, time, processors);
  const std::string left = fmt::format("{}   {}", label, out.strong(as_text(ours)));
  out.draw({left + "   measuring threads ..."}, false);
  figures theirs;
  try {
    theirs = measure(kind::threads, connections, time, processors);
  } catch (const std::runtime_error& error) {
    // So many threads are not to be had everywhere; that is theirs to answer for.
    out.draw({fmt::format("{}   failed: {}", left, error.what())}, true);
    return;
  }
  out.draw({fmt::format("{}   {}   {:>5.1f} x", left, as_text(theirs),
                        theirs.cpu_per_message / ours.cpu_per_message)},
           true);
}

}  // namespace

void compare(screen& out) {
  out.heading(5,
              "An echo server with a coroutine, and one with a thread per connection");
  out.line(fmt::format("  {:11}   {:^21}   {:^21}   {}", "", "coroutines (aio)",
                       "threads", "threads"));
  out.line(fmt::format("  {0:>11}   {1:>9} {2:>11}   {1:>9} {2:>11}   {3}",
                       "connections", "CPU each", "messages", "  / aio"));

  const auto processors = allowed_processors();
  if (processors.size() > 1) run_on({processors[1]});  // the other is for the servers
  const milliseconds time = out.is_quick() ? 100ms : 600ms;
  std::vector<std::size_t> scenarios{1, 50, 1000};
  if (out.is_quick()) scenarios = {1, 20};
  for (const std::size_t connections : scenarios) {
    compare_at(out, connections, time, processors);
  }
  if (processors.size() > 1) run_on(processors);
}

}  // namespace demo
