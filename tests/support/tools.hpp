// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Short words for what many tests do.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>
#include <aio/core/handle.hpp>
#include <aio/coro/coro.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/testing/virtual_loop.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace test {

/// The error of tests.
struct boom : std::runtime_error {
  explicit boom(const std::string& what = "boom") : runtime_error(what) {}
};

/// An exception in a word or two: "none", "cancelled", "cancelled: why", "timeout",
/// "invalid_state", "usage", "boom", else its text.
inline std::string name_of(const std::exception_ptr& error) {
  if (!error) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const aio::cancelled_error& e) {
    return e.message().empty() ? "cancelled" : "cancelled: " + e.message();
  } catch (const aio::timeout_error&) {
    return "timeout";
  } catch (const aio::invalid_state_error&) {
    return "invalid_state";
  } catch (const aio::usage_error&) {
    return "usage";
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// How a call ended: "returned", or the name of its exception.
template <class F>
std::string ending_of(F call) {
  try {
    static_cast<void>(call());
  } catch (...) {
    return name_of(std::current_exception());
  }
  return "returned";
}

/// How an await ended, likewise; awaits inline, without a turn of its own.
template <aio::awaitable A>
aio::coro<std::string> ending(A awaitable) {
  std::string how = "returned";
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (...) {
    how = name_of(std::current_exception());
  }
  co_return how;
}

/// Gives way so many times.
inline aio::coro<> turns(int count) {
  for (int i = 0; i < count; ++i) co_await aio::sleep(std::chrono::seconds(0));
}

/// A task on a loop that does not run.
template <class T>
aio::task<T> start(aio::testing::virtual_loop& loop, aio::coro<T> body) {
  return aio::task<T>(aio::detail::start_task(loop.core(), body));
}

template <class T = void>
aio::future<T> make_future(aio::testing::virtual_loop& loop) {
  return aio::detail::make_future<T>(loop.core());
}

template <class F>
aio::handle call_soon(aio::testing::virtual_loop& loop, F f) {
  return aio::handle(aio::detail::call_soon(loop.core(), std::move(f)));
}

template <class F>
aio::timer_handle call_at(aio::testing::virtual_loop& loop, aio::duration since_start,
                          F f) {
  return aio::timer_handle(
      aio::detail::call_at(loop.core(), aio::time_point(since_start), std::move(f)));
}

/// Tells whether the loop has begun another turn since this was made.
class turn_mark {
 public:
  explicit turn_mark(aio::testing::virtual_loop& loop) {
    call_soon(loop, [over = over_] { *over = true; });
  }
  bool is_over() const { return *over_; }

 private:
  std::shared_ptr<bool> over_ = std::make_shared<bool>(false);
};

/// Collects what a loop reports while it lives.
class reports {
 public:
  explicit reports(aio::testing::virtual_loop& loop) : reports(loop.core()) {}
  explicit reports(aio::detail::loop_core& loop) : core_(&loop) {
    core_->set_exception_handler(
        [this](const aio::exception_context& c) { all_.push_back(c); });
  }
  reports(const reports&) = delete;
  reports& operator=(const reports&) = delete;
  ~reports() { core_->set_exception_handler(nullptr); }

  std::size_t count() const { return all_.size(); }
  const aio::exception_context& operator[](std::size_t i) const { return all_.at(i); }

  /// The names of the exceptions since the last call: "boom,none".
  std::string take() {
    std::string names;
    for (const aio::exception_context& one : all_) {
      if (!names.empty()) names += ',';
      names += name_of(one.exception);
    }
    all_.clear();
    return names;
  }

 private:
  aio::detail::intrusive_ptr<aio::detail::loop_core> core_;
  std::vector<aio::exception_context> all_;
};

/// Counts the objects of its kind that are alive, in `*count`.
class counted {
 public:
  explicit counted(int& count) noexcept : count_(&count) { ++*count_; }
  counted(const counted& other) noexcept : count_(other.count_) { ++*count_; }
  counted& operator=(const counted&) = delete;
  ~counted() { --*count_; }

 private:
  int* count_;
};

}  // namespace test
