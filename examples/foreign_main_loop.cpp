// foreign_main_loop: a program that waits in a main loop of its own, here around poll(),
// as window systems, games and older daemons do. A loop of aio lives in it: one more
// descriptor to wait for, and step() when it is readable. It prints how a coroutine counts
// down, and whether the main loop did its own work meanwhile.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>

using namespace std::chrono_literals;

/// Something that the main loop knew before: a clock that ticks every 20 milliseconds.
class ticker {
 public:
  ticker() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    const itimerspec every{{0, 20'000'000}, {0, 20'000'000}};
    ::timerfd_settime(fd_, 0, &every, nullptr);
  }
  ~ticker() { ::close(fd_); }

  int fd() const { return fd_; }
  void tick() {
    std::uint64_t times = 0;
    if (::read(fd_, &times, sizeof times) > 0) ++count;
  }

  int count = 0;

 private:
  int fd_;
};

aio::coro<> count_down(const ticker& clock) {
  for (int left = 3; left > 0; --left) {
    const int before = clock.count;
    fmt::print("Coroutine: {} left\n", left);
    co_await aio::sleep(100ms);
    fmt::print("Main loop: it has ticked meanwhile: {}\n", clock.count > before);
  }
  fmt::print("Coroutine: done\n");
}

int main() {
  aio::event_loop loop;
  ticker clock;
  auto counting = loop.create_task(count_down(clock));

  std::array<pollfd, 2> waiting = {{
      {loop.native_handle(), POLLIN, 0},
      {clock.fd(), POLLIN, 0},
  }};
  while (!counting.done()) {
    ::poll(waiting.data(), waiting.size(), -1);
    if (waiting[0].revents != 0) loop.step();  // does not wait
    if (waiting[1].revents != 0) clock.tick();
  }
}
