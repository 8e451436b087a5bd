// countdown: two countdowns side by side on a loop that is driven by hand: tasks are
// created while it stands still, run_forever() runs it, and the last task to end stops
// it. The lines of the two take turns; the longer one finishes alone.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>

using namespace std::chrono_literals;

aio::coro<> countdown(std::string_view name, int n) {
  while (n > 0) {
    fmt::print("T-minus {} ({})\n", n, name);
    co_await aio::sleep(100ms);
    --n;
  }
  fmt::print("{} has lifted off\n", name);
}

int main() {
  aio::event_loop loop;
  int running = 2;
  const auto stop_after_the_last = [&](const aio::task<>&) {
    if (--running == 0) loop.stop();
  };
  loop.create_task(countdown("A", 3)).add_done_callback(stop_after_the_last);
  loop.create_task(countdown("B", 5)).add_done_callback(stop_after_the_last);

  fmt::print("Nothing runs yet\n");
  loop.run_forever();
  fmt::print("The loop was stopped\n");
}
