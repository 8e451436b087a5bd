// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Descriptors: none is inherited by child processes, and running out of them passes.

#include <aio/net.hpp>
#include <aio/os/signals.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>
#include <support/streams.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// The system's accept4() fails with this, if it is not 0.
int failing_accept = 0;
int failed_accepts = 0;

}  // namespace

extern "C" int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
  if (failing_accept != 0) {
    ++failed_accepts;
    errno = failing_accept;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_accept4, fd, from, size, flags));
}

namespace {

std::set<int> descriptors() {
  std::set<int> all;
  DIR* const listing = ::opendir("/proc/self/fd");
  REQUIRE(listing != nullptr);
  while (const dirent* one = ::readdir(listing)) {
    if (one->d_name[0] != '.') all.insert(std::atoi(one->d_name));
  }
  all.erase(::dirfd(listing));
  ::closedir(listing);
  return all;
}

// The undefined behaviour sanitizer needs descriptors itself.
#if !defined(AIO_TEST_SANITIZED)

/// While it lives, no further descriptor can be opened.
class descriptor_famine {
 public:
  descriptor_famine() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    // The lowest limit that covers those that are open; holes are filled.
    const std::set<int> open = descriptors();
    rlimit lower = before_;
    lower.rlim_cur = static_cast<rlim_t>(*open.rbegin() + 1);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    for (int fd = 0; fd >= 0;) {
      fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd >= 0) filling_.push_back(fd);
    }
  }
  descriptor_famine(const descriptor_famine&) = delete;
  descriptor_famine& operator=(const descriptor_famine&) = delete;
  ~descriptor_famine() {
    for (const int fd : filling_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> filling_;
};

#endif

}  // namespace

TEST_CASE("descriptors: all that a program with everything opens are close-on-exec",
          "[paths][descriptors]") {
  const std::set<int> before = descriptors();
  std::signal(SIGINT, SIG_DFL);
  aio::run([&]() -> aio::coro<> {
    aio::event_loop& loop = aio::get_running_loop();
    auto link = co_await test::connect_streams(loop);
    auto server = co_await aio::start_server([](auto, auto) {}, "", 0);
    loop.add_signal_handler(SIGUSR1, [] {});
    co_await aio::to_thread([] {});
    int found = 0;
    for (const int fd : descriptors()) {
      if (before.contains(fd)) continue;
      ++found;
      CAPTURE(fd);
      CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(found > 5);  // both ends, the listening ones, those of the loop
  });
}

#if !defined(AIO_TEST_SANITIZED)

AIO_NET_TEST(
    "descriptors: out of them the server reports it, pauses, and accepts again",
    "[paths][descriptors][slow]") {
  int served = 0;
  auto handler = [&](const aio::stream_reader&, const aio::stream_writer& writer) {
    ++served;
    writer.write("hello\n");
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  std::vector<test::raw_socket> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(test::raw_socket::opened());
  }
  {
    const descriptor_famine famine;
    for (const auto& one : clients) one.connect(server.port());
    const auto is_reported = [&] { return reports.count() > 0; };
    co_await test::until(is_reported);
    // However often the loop turns, it does not try again at once.
    co_await test::polls(500);
    CHECK(served == 0);
    CHECK(reports.count() == 1);
    CHECK(test::name_of(reports[0].exception).find("files") != std::string::npos);
    CHECK_THAT(reports[0].source,
               Catch::Matchers::ContainsSubstring(std::to_string(server.port())));
    CHECK(server.is_serving());
  }
  reports.take();
  const auto began = loop.time();
  const auto all_are_served = [&] { return served == 3; };
  while (!all_are_served()) co_await aio::sleep(5ms);
  CHECK(loop.time() - began < 3s);
  for (auto& one : clients) CHECK(one.receive_all() == "hello\n");
  co_await test::polls(2);
}

AIO_NET_TEST("descriptors: when the system has none left, it is the same",
             "[paths][descriptors][slow]") {
  int served = 0;
  auto handler = [&](aio::stream_reader, aio::stream_writer) { ++served; };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  failing_accept = ENFILE;
  failed_accepts = 0;
  const auto client = test::raw_socket::connected_to(server.port());
  // Long enough for a second attempt.
  const auto began = loop.time();
  const auto has_tried_again = [&] { return failed_accepts == 2; };
  while (!has_tried_again()) co_await aio::sleep(5ms);
  CHECK(loop.time() - began > 900ms);
  co_await test::polls(100);
  CHECK(failed_accepts == 2);
  CHECK(reports.count() == 2);
  CHECK(served == 0);
  reports.take();
  failing_accept = 0;
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("descriptors: a server that pauses for lack of them can be closed",
             "[paths][descriptors]") {
  auto server = co_await aio::start_server([](auto, auto) {}, "127.0.0.1", 0);
  const test::raw_socket client = test::raw_socket::opened();
  {
    const descriptor_famine famine;
    client.connect(server.port());
    const auto is_reported = [&] { return reports.count() > 0; };
    co_await test::until(is_reported);
    server.close();
    co_await server.wait_closed();
  }
  reports.take();
}

AIO_NET_TEST("descriptors: out of them connecting is an error, and later works",
             "[paths][descriptors]") {
  auto server = co_await aio::start_server([](auto, auto) {}, "127.0.0.1", 0);
  std::string how;
  {
    const descriptor_famine famine;
    how = co_await test::ending(aio::open_connection("127.0.0.1", server.port()));
  }
  CHECK_THAT(how, Catch::Matchers::ContainsSubstring("files"));
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string end = co_await reader.read();
  CHECK(end.empty());
}

#endif

AIO_NET_TEST("descriptors: hundreds of connections leave none behind",
             "[paths][descriptors]") {
  auto handler = [](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    const std::string line = co_await reader.readline();
    writer.write(line);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  const std::size_t before = test::open_descriptors();
  for (int i = 0; i < 300; ++i) {
    auto pair = co_await aio::open_connection("127.0.0.1", server.port());
    if (i % 3 == 0) continue;  // dropped at once
    pair.second.write("line\n");
    if (i % 3 == 1) continue;  // dropped after a word
    const std::string line = co_await pair.first.readline();
    CHECK(line == "line\n");
  }
  const auto all_closed = [&] { return test::open_descriptors() == before; };
  co_await test::until(all_closed);
}
