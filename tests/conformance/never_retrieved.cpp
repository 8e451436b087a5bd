// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace never_retrieved {
using namespace conformance;

struct boom : std::exception {
  const char* what() const noexcept override { return "boom"; }
};

using report_list = std::vector<std::string>;

aio::coro<> check(report_list& reports, std::string_view what) {
  // the last reference is gone; a report, if any, was made at that moment
  co_await aio::sleep(0s);
  print(fmt::format("{}:", what),
        reports.empty() ? "no report" : fmt::format("{}", fmt::join(reports, ", ")));
  reports.clear();
}

aio::coro<> fails() {
  throw boom();
  co_return;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  report_list reports;

  loop.set_exception_handler(
      [&reports](aio::event_loop&, const aio::exception_context& context) {
        reports.push_back(label(context.exception) == "boom" ? "boom" : "other");
      });

  aio::future<int> f = loop.create_future<int>();
  f.set_exception(boom());
  co_await check(reports, "still referenced");
  f = {};
  co_await check(reports, "dropped");

  f = loop.create_future<int>();
  f.set_exception(boom());
  f.exception();
  f = {};
  co_await check(reports, "exception() was called");

  f = loop.create_future<int>();
  f.set_result(1);
  f = {};
  co_await check(reports, "unused result");

  f = loop.create_future<int>();
  f.cancel();
  f = {};
  co_await check(reports, "cancelled");

  f = loop.create_future<int>();
  f = {};
  co_await check(reports, "pending");

  aio::task<> t = aio::create_task(fails());
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  co_await check(reports, "failed task, referenced");
  t = {};
  co_await check(reports, "failed task, dropped");

  t = aio::create_task(fails());
  co_await aio::wait(std::views::single(t));
  co_await check(reports, "wait does not count as asking");
  t = {};
  co_await check(reports, "dropped after wait");
}

AIO_TWIN(never_retrieved) { aio::run(amain()); }

}  // namespace never_retrieved
