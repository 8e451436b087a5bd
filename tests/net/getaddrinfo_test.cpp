// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/getaddrinfo.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <aio/net/open_connection.hpp>
#include <aio/task/gather.hpp>

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// The name server of these tests. "hang.test" gets no answer for 30 seconds,
/// "slow.test" when the test says so; "two.test" has two addresses.
class name_server {
 public:
  static name_server& get() {
    // Never destroyed: a look-up may still be in it when main() has returned.
    static auto* const only = new name_server;
    return *only;
  }

  /// How many look-ups of "slow.test" have come.
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void answer_slow() {
    const std::lock_guard lock(mutex_);
    answers_ = asked_;
    answered_.notify_all();
  }

  void look_up(std::string_view host) {
    if (host == "hang.test") std::this_thread::sleep_for(30s);
    if (host != "slow.test") return;
    std::unique_lock lock(mutex_);
    const int mine = ++asked_;
    answered_.wait(lock, [&] { return answers_ >= mine; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  int asked_ = 0;
  int answers_ = 0;
};

/// Threads of this process that look up names.
int resolver_threads() {
  int count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(thread.path() / "comm"), name);
    count += name == "aio resolver";
  }
  return count;
}

/// Those of earlier loops are ending.
aio::coro<> no_resolver_threads() {
  return test::until([] { return resolver_threads() == 0; });
}

aio::coro<std::string> first_address(std::string_view host) {
  auto found = co_await aio::getaddrinfo(host, 80, {.type = SOCK_STREAM});
  co_return to_string(found.at(0).endpoint);
}

}  // namespace

// In place of that of the C library, for the whole program.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  const std::string_view name(host != nullptr ? host : "");
  name_server::get().look_up(name);
  static const auto real =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == "two.test") {
    const int status = real("127.0.0.2", service, hints, found);
    return status != 0 ? status : real("127.0.0.1", service, hints, &(*found)->ai_next);
  }
  if (name.ends_with(".test")) host = "192.0.2.1";
  return real(host, service, hints, found);
}

AIO_NET_TEST("getaddrinfo: numeric hosts and ports take no thread",
             "[net][getaddrinfo]") {
  co_await no_resolver_threads();
  const auto v4 = co_await loop.getaddrinfo("127.0.0.1", 80, {.type = SOCK_STREAM});
  REQUIRE(v4.size() == 1);
  CHECK(v4[0].family == AF_INET);
  CHECK(v4[0].type == SOCK_STREAM);
  CHECK(v4[0].proto == IPPROTO_TCP);
  CHECK(to_string(v4[0].endpoint) == "127.0.0.1:80");
  const auto v6 = co_await loop.getaddrinfo("::1", "443", {.type = SOCK_DGRAM});
  REQUIRE(v6.size() == 1);
  CHECK(v6[0].family == AF_INET6);
  CHECK(to_string(v6[0].endpoint) == "[::1]:443");
  const auto all = co_await aio::getaddrinfo("", 7, {.flags = AI_PASSIVE});
  CHECK(all.size() >= 3);  // stream, datagram, raw
  CHECK(resolver_threads() == 0);
}

AIO_NET_TEST("getaddrinfo: names of hosts and services are looked up",
             "[net][getaddrinfo]") {
  if (::getservbyname("http", "tcp") == nullptr) {
    WARN("skipped: no names of services here (the package netbase has them)");
    co_return;
  }
  const auto found = co_await loop.getaddrinfo("localhost", "http",
                                               {.family = AF_INET,
                                                .type = SOCK_STREAM,
                                                .proto = IPPROTO_TCP,
                                                .flags = AI_CANONNAME});
  REQUIRE(found.size() >= 1);
  CHECK(to_string(found[0].endpoint) == "127.0.0.1:80");
  CHECK(found[0].canonname == "localhost");
}

AIO_NET_TEST("getaddrinfo: what does not exist is an error that names it",
             "[net][getaddrinfo]") {
  const std::string service =
      co_await ending(loop.getaddrinfo("127.0.0.1", "no such service"));
  CHECK_THAT(service, ContainsSubstring("cannot resolve the host '127.0.0.1' with the "
                                        "service 'no such service'"));
  const std::string family =
      co_await ending(loop.getaddrinfo("::1", 80, {.family = AF_INET}));
  CHECK_THAT(family, ContainsSubstring("cannot resolve the host '::1'"));
}

AIO_NET_TEST("getaddrinfo: one that hangs keeps no other waiting",
             "[net][getaddrinfo]") {
  const int asked = name_server::get().asked();
  std::vector<aio::task<std::string>> hanging;
  for (int i = 0; i < 40; ++i) {
    hanging.push_back(aio::create_task(first_address("slow.test")));
  }
  co_await test::until([&] { return name_server::get().asked() == asked + 40; });
  const std::string meanwhile = co_await first_address("quick.test");
  CHECK(meanwhile == "192.0.2.1:80");
  CHECK_FALSE(hanging.front().done());
  name_server::get().answer_slow();
  const auto all = co_await aio::gather(std::move(hanging));
  CHECK(all == std::vector<std::string>(40, "192.0.2.1:80"));
}

AIO_NET_TEST("getaddrinfo: threads are used again", "[net][getaddrinfo]") {
  co_await no_resolver_threads();
  for (int i = 0; i < 50; ++i) {
    const std::string found = co_await first_address("quick.test");
    CHECK(found == "192.0.2.1:80");
  }
  CHECK(resolver_threads() < 10);  // more than one if the first has not yet sat down
}

AIO_NET_TEST("getaddrinfo: a waiter is cancelled at once", "[net][getaddrinfo]") {
  const int asked = name_server::get().asked();
  auto waiting = aio::create_task(ending(first_address("slow.test")));
  co_await test::until([&] { return name_server::get().asked() > asked; });
  waiting.cancel();
  const std::string how = co_await waiting;
  CHECK(how == "cancelled");
  auto late = aio::open_connection("slow.test", 80);
  const std::string limited = co_await ending(aio::wait_for(std::move(late), 1ms));
  CHECK(limited == "timeout");
  name_server::get().answer_slow();
  const std::string next = co_await first_address("quick.test");
  CHECK(next == "192.0.2.1:80");
}

TEST_CASE("getaddrinfo: the end of the loop does not wait for one that hangs",
          "[net][getaddrinfo]") {
  const int asked = name_server::get().asked();
  {
    aio::runner runner;
    runner.run([&]() -> aio::coro<> {
      auto waiting = aio::create_task(first_address("slow.test"));
      co_await test::until([&] { return name_server::get().asked() > asked; });
    });
  }
  CHECK(name_server::get().asked() == asked + 1);
  name_server::get().answer_slow();  // and nobody is there to take it
  while (resolver_threads() > 0) std::this_thread::yield();
}

// Run as a process of its own, which has to end long before the look-up does.
TEST_CASE("getaddrinfo: neither does the end of the process", "[.hanging_resolver]") {
  std::string meanwhile;
  std::string how;
  const auto begun = aio::clock::now();
  aio::run([&]() -> aio::coro<> {
    auto other = aio::create_task(first_address("hang.test"));
    auto hanging = aio::open_connection("hang.test", 80);
    how = co_await ending(aio::wait_for(std::move(hanging), 20ms));
    meanwhile = co_await first_address("quick.test");
  });
  CHECK(how == "timeout");
  CHECK(meanwhile == "192.0.2.1:80");
  CHECK(aio::clock::now() - begun < 5s);
}

AIO_NET_TEST("getaddrinfo: in debug mode a slow one is reported",
             "[net][getaddrinfo]") {
  loop.set_debug(true);
  loop.set_slow_callback_duration(1ns);
  static_cast<void>(co_await first_address("quick.test"));
  loop.set_debug(false);
  co_await test::turns(1);  // the step until here was watched as well
  bool found = false;
  for (std::size_t i = 0; i < reports.count(); ++i) {
    const std::string& text = reports[i].message;
    found = found || text.starts_with("looking up the host 'quick.test' took ");
  }
  CHECK(found);
  reports.take();
}

AIO_NET_TEST("getnameinfo: finds names, or numbers without a thread",
             "[net][getaddrinfo]") {
  if (::getservbyname("http", "tcp") == nullptr) {
    WARN("skipped: no names of services here (the package netbase has them)");
    co_return;
  }
  const aio::endpoint there("127.0.0.1", 80);
  const auto [host, service] = co_await loop.getnameinfo(there);
  CHECK(host == "localhost");
  CHECK(service == "http");
  const auto [address, port] =
      co_await aio::getnameinfo(there, NI_NUMERICHOST | NI_NUMERICSERV);
  CHECK(address == "127.0.0.1");
  CHECK(port == "80");
}

AIO_NET_TEST("getnameinfo: what has no name is an error", "[net][getaddrinfo]") {
  const std::string how =
      co_await ending(loop.getnameinfo(aio::endpoint("192.0.2.1", 1), NI_NAMEREQD));
  CHECK_THAT(how, ContainsSubstring("cannot find a name for 192.0.2.1:1"));
}

AIO_NET_TEST("open_connection: every address of a name is tried",
             "[net][open_connection]") {
  auto listener = test::raw_socket::listening();  // on 127.0.0.1
  auto [reader, writer] = co_await aio::open_connection("two.test", listener.port());
  CHECK(writer.peername() == aio::endpoint("127.0.0.1", listener.port()));

  const std::uint16_t port = test::raw_socket::listening().port();
  const std::string how = co_await ending(aio::open_connection("two.test", port));
  CHECK_THAT(how,
             ContainsSubstring("Multiple exceptions: cannot connect to 127.0.0.2:"));
  CHECK_THAT(how, ContainsSubstring(", cannot connect to 127.0.0.1:"));
}

AIO_NET_TEST("open_connection: cancelled at any moment it leaves nothing behind",
             "[net][open_connection]") {
  auto listener = test::raw_socket::listening(100);
  const std::size_t before = test::open_descriptors();
  int cancelled = 0;
  int turns = 1;
  for (std::string how = "cancelled"; how == "cancelled"; ++turns) {
    auto connecting =
        aio::create_task(ending(aio::open_connection("two.test", listener.port())));
    if (turns % 2 == 1) {
      co_await test::turns(turns);
    } else {
      co_await test::polls(turns);
    }
    connecting.cancel();
    how = co_await connecting;
    cancelled += how == "cancelled";
    co_await test::until([&] { return test::open_descriptors() == before; });
  }
  CHECK(cancelled >= 1);
}
