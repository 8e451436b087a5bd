// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <csignal>

namespace subproc_signals {
using namespace conformance;

aio::coro<> amain() {
  for (const std::string how : {"kill", "terminate", "send_signal"}) {
    auto process = co_await aio::create_subprocess_exec({}, "sleep", "60");
    fmt::print("{} returncode is none {:d} ", how, !process.returncode());
    if (how == "send_signal") {
      process.send_signal(SIGHUP);
    } else if (how == "kill") {
      process.kill();
    } else {
      process.terminate();
    }
    const int code = co_await process.wait();
    print("-> code", code, "as negative signal",
          -code == SIGKILL || -code == SIGTERM || -code == SIGHUP);
  }

  // a child that handles the signal and ends in its own way
  const char* const script =
      "trap \"echo caught; exit 9\" USR1; echo ready; while :; do sleep 0.01; done";
  auto process = co_await aio::create_subprocess_shell(script, {.out = aio::pipe});
  std::string line = co_await process.out.readline();
  print(line.substr(0, line.size() - 1));
  process.send_signal(SIGUSR1);
  line = co_await process.out.readline();
  int code = co_await process.wait();
  print(line.substr(0, line.size() - 1), "code", code);

  // cancelling wait does not touch the process
  process = co_await aio::create_subprocess_exec({}, "sleep", "60");
  auto task = aio::create_task(process.wait());
  co_await aio::sleep(10ms);
  task.cancel();
  co_await aio::wait(task);
  print("wait cancelled", task.cancelled(), "process runs", !process.returncode());
  try {
    co_await aio::wait_for(process.wait(), 10ms);
  } catch (const aio::timeout_error&) {
    print("timeout, process runs", !process.returncode());
  }
  std::vector<aio::task<int>> waiters;
  for (int i = 0; i < 3; ++i) waiters.push_back(aio::create_task(process.wait()));
  process.kill();
  const auto codes = co_await aio::gather(waiters);
  print("three waiters:", words(codes));
}

AIO_TWIN(subproc_signals) { aio::run(amain()); }
}  // namespace subproc_signals
