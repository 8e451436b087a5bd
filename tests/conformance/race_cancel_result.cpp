// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace race_cancel_result {
using namespace conformance;

using task = aio::task<int>;
using fut = aio::future<int>;

aio::coro<int> waits(std::string name, fut f) {
  try {
    const int r = co_await f;
    print(name, "got", r);
    co_return r;
  } catch (const aio::cancelled_error& e) {
    print(name, "cancelled", message_of(e));
    throw;
  } catch (const std::exception&) {
    print(name, label());
    throw;
  }
}
using act = std::function<int(fut&, task&)>;
std::string all(const std::vector<std::string>& r) {
  std::string s = "[";
  for (const auto& x : r) s += (s.size() > 1 ? ", '" : "'") + x + "'";
  return s + "]";
}

aio::coro<> situation(std::vector<std::string>& reports, std::string name,
                      std::vector<act> acts) {
  fut f = aio::get_running_loop().create_future<int>();
  task t = aio::create_task(waits(name, f));
  co_await turns(1);
  for (auto& a : acts) {
    const int r = a(f, t);
    if (r >= 0) print(name, "->", r);
  }
  co_await turns(3);
  print(name, "task", end(t), "future", f.cancelled() ? "cancelled" : "done",
        t.cancelling());
  f = {};
  t = {};
  co_await turns(1);
  print(name, "reports", all(reports));
  reports.clear();
}
aio::coro<> blind(std::vector<std::string>& reports, std::string name,
                  std::vector<act> acts) {
  fut f = aio::get_running_loop().create_future<int>();
  task t = aio::create_task(waits(name, f));
  co_await turns(1);
  for (auto& a : acts) a(f, t);
  co_await turns(3);
  f = {};
  print(name, t.done(), t.cancelled(), "reports", all(reports));
  t = {};
  co_await turns(1);
  print(name, "reports", all(reports));
  reports.clear();
}

aio::coro<> amain() {
  std::vector<std::string> reports;
  aio::get_running_loop().set_exception_handler(
      [&](const aio::exception_context& c) { reports.push_back(label(c.exception)); });
  act res = [](fut& f, task&) {
    f.set_result(1);
    return -1;
  };
  act err = [](fut& f, task&) {
    f.set_exception(boom());
    return -1;
  };
  act fc = [](fut& f, task&) { return int(f.cancel()); };
  act fcm = [](fut& f, task&) { return int(f.cancel("future")); };
  act tc = [](fut&, task& t) { return int(t.cancel()); };
  act tcm = [](fut&, task& t) { return int(t.cancel("task")); };
  act un = [](fut&, task& t) { return int(t.uncancel()); };
  const auto go = [&](std::string name, auto... a) {
    std::vector<act> v{a...};
    return situation(reports, name, std::move(v));
  };
  const auto bl = [&](std::string name, auto... a) {
    std::vector<act> v{a...};
    return blind(reports, name, std::move(v));
  };
  co_await go("res,tc", res, tc);
  co_await go("res,tcm", res, tcm);
  co_await go("res,tc,un", res, tc, un);
  co_await go("tc,un", tc, un);
  co_await go("fcm,tcm", fcm, tcm);
  co_await go("tcm,fcm", tcm, fcm);
  co_await go("tcm,tc", tcm, tc);
  co_await go("tc,tcm", tc, tcm);
  co_await go("fc,tcm", fc, tcm);
  co_await go("res,tc,tcm,un", res, tc, tcm, un);
  co_await go("err,tc,un", err, tc, un);
  co_await bl("err", err);
  co_await bl("err,tc", err, tc);
  co_await bl("err,tcm", err, tcm);
  co_await bl("err,fc", err, fc);
}
AIO_TWIN(race_cancel_result) { aio::run(amain()); }
}  // namespace race_cancel_result
