// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace runner_leftover_tasks {
using namespace conformance;

using log_list = std::vector<std::string>;

void run(std::string_view what, aio::coro<std::string> main) {
  print(what);
  try {
    print("  run ->", aio::run(std::move(main)));
  } catch (const value_error&) {
    print("  run ->", label());
  }
}

aio::coro<> background(log_list& log, std::string tag,
                       std::chrono::milliseconds cleanup = 0ms,
                       std::exception_ptr error = nullptr) {
  std::exception_ptr cancelled;
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  co_await aio::sleep(cleanup);
  log.push_back(tag);
  std::rethrow_exception(error ? error : cancelled);
}

aio::coro<std::string> forgets(log_list& log) {
  aio::create_task(background(log, "slow", 30ms));
  aio::create_task(background(log, "quick", 0ms));
  co_await aio::sleep(0s);
  co_return "main is over";
}

aio::coro<std::string> fails(log_list& log) {
  aio::create_task(background(log, "left alone"));
  co_await aio::sleep(0s);
  throw value_error("");
}

aio::coro<std::string> bad_cleanup(log_list& log) {
  aio::get_running_loop().set_exception_handler(
      [&log](aio::event_loop&, const aio::exception_context& context) {
        const bool expected = label(context.exception) == "value_error";
        log.push_back(expected ? "handler value_error" : "handler other");
      });
  const auto error = std::make_exception_ptr(value_error(""));
  aio::create_task(background(log, "bad", 0ms, error));
  co_await aio::sleep(0s);
  co_return "main is over";
}

aio::coro<> body(log_list& log) {
  log.push_back("gets its first step");
  co_await aio::sleep(0s);
  log.push_back("not reached");
}

aio::coro<std::string> created_last(log_list& log) {
  const aio::task<> task = aio::create_task(body(log));
  task.add_done_callback([&log](const aio::task<>& t) {
    log.push_back(fmt::format("cancelled {:d}", t.cancelled()));
  });
  co_return "main is over";
}

AIO_TWIN(runner_leftover_tasks) {
  using main_function = aio::coro<std::string> (*)(log_list&);
  const std::vector<std::pair<std::string_view, main_function>> mains = {
      {"two tasks left", forgets},
      {"main fails", fails},
      {"an error in the cleanup", bad_cleanup},
      {"created just before the end", created_last},
  };
  for (const auto& [what, fn] : mains) {
    log_list log;
    run(what, fn(log));
    print("  log:", fmt::format("{}", fmt::join(log, ", ")));
  }
}

}  // namespace runner_leftover_tasks
