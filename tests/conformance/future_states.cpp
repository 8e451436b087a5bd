// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace future_states {
using namespace conformance;

std::string shown(bool value) { return value ? "1" : "0"; }
std::string shown(int value) { return std::to_string(value); }
std::string shown(const std::exception_ptr& error) { return label(error); }

template <class F>
void attempt(std::string_view what, F fn) {
  std::string value = "none";
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      fn();
    } else {
      value = shown(fn());
    }
  } catch (...) {
    value = label();
  }
  print(what, "->", value);
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  aio::future<int> f = loop.create_future<int>();
  print("pending: done", f.done(), "cancelled", f.cancelled());
  attempt("result of pending", [&] { return f.result(); });
  attempt("exception of pending", [&] { return f.exception(); });
  f.set_result(10);
  print("set: done", f.done(), "cancelled", f.cancelled());
  attempt("result", [&] { return f.result(); });
  attempt("exception", [&] { return f.exception(); });
  attempt("set_result again", [&] { f.set_result(11); });
  attempt("set_exception after", [&] { f.set_exception(value_error("")); });
  attempt("cancel when done", [&] { return f.cancel(); });

  f = loop.create_future<int>();
  f.set_exception(value_error(""));
  attempt("failed: result", [&] { return f.result(); });
  print("failed: exception is value_error", label(f.exception()) == "value_error");
  attempt("failed: set_result", [&] { f.set_result(1); });

  f = loop.create_future<int>();
  attempt("cancel", [&] { return f.cancel(); });
  print("cancelled: done", f.done(), "cancelled", f.cancelled());
  attempt("cancelled: result", [&] { return f.result(); });
  attempt("cancelled: exception", [&] { return f.exception(); });
  attempt("cancelled: set_result", [&] { f.set_result(1); });
  attempt("cancelled: cancel again", [&] { return f.cancel(); });
  co_return;
}

AIO_TWIN(future_states) { aio::run(amain()); }

}  // namespace future_states
