// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace tg_external_cancel {
using namespace conformance;

aio::coro<> child(std::vector<std::string>& log, int cleanup_turns,
                  std::exception_ptr error = nullptr) {
  std::exception_ptr cancelled;
  try {
    co_await aio::sleep(60s);
    co_return;
  } catch (const aio::cancelled_error&) {
    cancelled = std::current_exception();
  }
  for (int i = 0; i < cleanup_turns; ++i) co_await aio::sleep(0s);
  log.push_back(fmt::format("child{}", cleanup_turns));
  std::rethrow_exception(error ? error : cancelled);
}

aio::coro<> runner(std::vector<std::string>& log, bool waits_in_body,
                   std::exception_ptr error = nullptr) {
  const aio::detail::scope_exit at_last([&] {
    log.push_back(fmt::format("count {}", aio::current_task().cancelling()));
  });
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(child(log, 2));
      tg.create_task(child(log, 0));
      tg.create_task(child(log, 4, error));
      if (waits_in_body) {
        try {
          co_await aio::sleep(60s);
        } catch (const aio::cancelled_error&) {
          log.push_back("body");
          throw;
        }
      }
    });
  } catch (const aio::cancelled_error&) {
    log.push_back("runner cancelled");
    throw;
  } catch (const aio::exception_group& e) {
    log.push_back(fmt::format("runner group of {}", e.exceptions().size()));
    throw;
  }
}

struct situation {
  std::string_view what;
  bool waits_in_body;
  std::exception_ptr error = nullptr;
};

aio::coro<> amain() {
  const situation situations[] = {
      {"cancel in the body:", true},
      {"cancel at the end of the block:", false},
      {"with an error in the cleanup:", true, std::make_exception_ptr(value_error(""))},
  };
  for (const auto& [what, waits_in_body, error] : situations) {
    std::vector<std::string> log;
    const aio::task<> r = aio::create_task(runner(log, waits_in_body, error));
    co_await aio::sleep(0s);
    co_await aio::sleep(0s);
    r.cancel();
    co_await aio::wait(std::views::single(r));
    print(what, fmt::format("{}", fmt::join(log, ", ")));
    const bool failed = !r.cancelled() && r.exception() != nullptr;
    print("  runner cancelled", r.cancelled(), "failed", failed);
  }

  // cancelled again while it waits for the children: it goes on waiting
  std::vector<std::string> log;
  const aio::task<> r = aio::create_task(runner(log, false));
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  for (int i = 0; i < 3; ++i) {
    r.cancel();
    co_await aio::sleep(0s);
  }
  co_await aio::wait(std::views::single(r));
  print("cancelled three times:", fmt::format("{}", fmt::join(log, ", ")));
}

AIO_TWIN(tg_external_cancel) { aio::run(amain()); }

}  // namespace tg_external_cancel
