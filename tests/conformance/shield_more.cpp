// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace shield_more {
using namespace conformance;

template <class A>
aio::coro<aio::await_result_t<A>> guarded_(std::string name, A aw) {
  try {
    auto r = co_await std::move(aw);
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
aio::coro<int> guarded(std::string name, aio::future<int> aw) {
  return guarded_(name, std::move(aw));
}
aio::coro<int> child(int n, std::exception_ptr error = nullptr) {
  try {
    co_await turns(n);
  } catch (const aio::cancelled_error& e) {
    print("child cancelled", message_of(e));
    throw;
  }
  if (error) std::rethrow_exception(error);
  co_return n;
}
template <class G>
aio::coro<> guard_gather(std::string name, G g) {
  try {
    co_await std::move(g);
    print(name, "got");
  } catch (const aio::cancelled_error& e) {
    print(name, "cancelled", message_of(e));
    throw;
  } catch (const std::exception&) {
    print(name, label());
    throw;
  }
}
std::string all(const std::vector<std::string>& r) {
  std::string s = "[";
  for (const auto& x : r) s += (s.size() > 1 ? ", '" : "'") + x + "'";
  return s + "]";
}
aio::coro<std::string> stubborn(aio::future<std::string> f) {
  auto s = aio::shield(f);
  for (int i = 0; i < 3; ++i) {
    try {
      const std::string r = co_await s;
      co_return r;
    } catch (const aio::cancelled_error& e) {
      print("again", i, s.cancelled(), message_of(e));
      if (s.cancelled()) s = aio::shield(f);
    }
  }
  co_return "";
}
template <class G>
std::string gend(const G& g) {
  if (!g.done()) return "pending";
  if (g.cancelled()) return "cancelled";
  return label(g.exception());
}

aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  std::vector<std::string> reports;
  loop.set_exception_handler(
      [&](const aio::exception_context& c) { reports.push_back(label(c.exception)); });

  print("-- inner cancelled with a message");
  auto f = loop.create_future<int>();
  auto t = aio::create_task(guarded("g", aio::shield(f)));
  co_await turns(1);
  f.cancel("inner");
  co_await turns(3);
  print(end(t));

  print("-- the waiter cancelled with a message");
  f = loop.create_future<int>();
  t = aio::create_task(guarded("g", aio::shield(f)));
  co_await turns(1);
  t.cancel("outer");
  co_await turns(3);
  print(end(t), f.done() ? "True" : "False");

  print("-- outer and inner cancelled in one turn");
  f = loop.create_future<int>();
  auto s = aio::shield(f);
  t = aio::create_task(guarded("g", s));
  co_await turns(1);
  f.cancel("inner");
  t.cancel("outer");
  co_await turns(3);
  print(end(t), end(s), t.cancelling());

  print("-- result and cancel in one turn");
  f = loop.create_future<int>();
  s = aio::shield(f);
  t = aio::create_task(guarded("g", s));
  co_await turns(1);
  f.set_result(5);
  t.cancel("outer");
  print(s.done(), s.cancelled());
  co_await turns(3);
  print(end(t), end(s), end(f));

  print("-- result, a turn, cancel");
  f = loop.create_future<int>();
  s = aio::shield(f);
  t = aio::create_task(guarded("g", s));
  co_await turns(1);
  f.set_result(5);
  co_await turns(1);
  print(s.done());
  t.cancel("outer");
  co_await turns(3);
  print(end(t), end(s), end(f));

  print("-- error after the outer was cancelled");
  f = loop.create_future<int>();
  s = aio::shield(f);
  s.cancel();
  co_await turns(1);
  f.set_exception(boom());
  co_await turns(2);
  f = {};
  co_await turns(1);
  print(all(reports));
  reports.clear();

  print("-- error in the turn in which the outer was cancelled");
  f = loop.create_future<int>();
  s = aio::shield(f);
  s.cancel();
  f.set_exception(boom());
  co_await turns(2);
  f = {};
  co_await turns(1);
  print(all(reports));
  reports.clear();

  print("-- nobody takes the error of the shield");
  f = loop.create_future<int>();
  s = aio::shield(f);
  f.set_exception(boom());
  co_await turns(2);
  f = {};
  co_await turns(1);
  print(all(reports));
  s = {};
  co_await turns(1);
  print(all(reports));
  reports.clear();

  print("-- shield of a shield");
  f = loop.create_future<int>();
  auto s1 = aio::shield(f);
  auto s2 = aio::shield(s1);
  s2.cancel();
  co_await turns(2);
  print(end(s2), end(s1), end(f));
  auto s3 = aio::shield(s1);
  s1.cancel("middle");
  co_await turns(3);
  print(end(s3), end(s1), end(f));

  print("-- turns");
  f = loop.create_future<int>();
  s = aio::shield(aio::shield(f));
  t = aio::create_task(guarded("g", s));
  co_await turns(1);
  f.set_result(3);
  for (int i = 0; i < 5; ++i) {
    print(i, s.done(), t.done());
    co_await turns(1);
  }

  print("-- done inner is returned itself");
  print(aio::shield(f) == f);

  print("-- shield in wait_for");
  auto c = aio::create_task(child(3));
  try {
    co_await aio::wait_for(aio::shield(c), 0s);
  } catch (const aio::timeout_error&) {
    print(label());
  }
  print(end(c));
  print(co_await c);

  print("-- gather of shields cancelled");
  auto a = aio::create_task(child(4)), b = aio::create_task(child(5));
  auto g = aio::gather(aio::shield(a), aio::shield(b));
  auto gt = aio::create_task(guard_gather("g", g));
  co_await turns(1);
  gt.cancel("all");
  co_await turns(3);
  print(end(gt), end(a), end(b));
  co_await turns(4);
  print(end(a), end(b));

  print("-- shield of a gather cancelled");
  a = aio::create_task(child(4)),
  b = aio::create_task(child(5, std::make_exception_ptr(boom("late"))));
  auto g2 = aio::gather(a, b);
  gt = aio::create_task(guard_gather("g", aio::shield(g2)));
  co_await turns(1);
  gt.cancel("all");
  co_await turns(6);
  print(end(gt), end(a), end(b), gend(g2));

  print("-- cancel caught, awaited again");
  auto sf = loop.create_future<std::string>();
  auto st = aio::create_task(stubborn(sf));
  for (int i = 0; i < 2; ++i) {
    co_await turns(1);
    st.cancel(fmt::format("no {}", i));
  }
  co_await turns(1);
  sf.set_result("in the end");
  co_await turns(3);
  print(end(st), st.cancelling());
}
AIO_TWIN(shield_more) { aio::run(amain()); }
}  // namespace shield_more
