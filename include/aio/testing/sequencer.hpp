// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// sequencer: forces one interleaving of several tasks.

#pragma once

#include <aio/core/config.hpp>
#include <aio/core/error.hpp>
#include <aio/coro/promise.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/testing/virtual_driver.hpp>

#include <coroutine>
#include <cstddef>
#include <map>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>

namespace aio {
namespace detail {

/// Which steps were come to, and the first that is not over. Shared by all who wait, as
/// in a test that fails they may outlive the sequencer.
class sequence {
 public:
  bool is_turn_of(std::size_t number) const noexcept { return number == turn_; }
  std::size_t turn() const noexcept { return turn_; }

  void enter(std::size_t number, const std::source_location& from) {
    if (number == 0) throw std::invalid_argument("sequencer: steps count from 1");
    const auto [found, is_new] = steps_.try_emplace(number, from);
    if (is_new) return;
    throw usage_error("sequencer: step " + std::to_string(number) +
                      " is used twice: at " + to_text(found->second.from) + " and at " +
                      to_text(from));
  }

  /// It was come to, but given up.
  void leave(std::size_t number) noexcept { steps_.erase(number); }

  void pass([[maybe_unused]] std::size_t number) noexcept {
    AIO_ASSERT(is_turn_of(number));
    ++turn_;
    const auto next = steps_.find(turn_);
    if (next != steps_.end()) next->second.line.wake_one();
  }

  wait_list& line_of(std::size_t number) { return steps_.at(number).line; }

  /// Why `number` has to wait.
  std::string explain(std::size_t number) const {
    const auto current = steps_.find(turn_);
    return "step " + std::to_string(number) + " of a sequencer: step " +
           std::to_string(turn_) +
           (current == steps_.end()
                ? std::string(" was never reached")
                : ", reached at " + to_text(current->second.from) + ", is not over");
  }

 private:
  struct step {
    explicit step(const std::source_location& at) : from(at) {}

    std::source_location from;
    wait_list line;
  };

  static std::string to_text(const std::source_location& at) {
    return std::string(at.file_name()) + ':' + std::to_string(at.line());
  }

  std::size_t turn_ = 1;
  std::map<std::size_t, step> steps_;
};

}  // namespace detail

namespace testing {

/// Forces an interleaving: tasks name their steps, and each waits for those before it.
///
///     aio::testing::sequencer steps;
///     auto reader = [&]() -> aio::coro<> {
///       co_await steps.at(1);
///       const int seen = balance;
///       co_await steps.at(3);
///       balance = seen + 1;
///     };
///     auto writer = [&]() -> aio::coro<> {
///       co_await steps.at(2);
///       balance = 100;
///     };
///
/// A step reaches up to the next await. One that spans awaits is given a name, and then
/// lasts until that goes:
///
///     {
///       const auto step = co_await steps.at(4);
///       co_await save();
///     }
///
/// Steps count from 1, and each is used once. If one is never reached those behind it
/// wait forever: the deadlock_error of the run says which.
///
/// Like: trio.testing.Sequencer
class sequencer {
 public:
  /// A step that is going on; it is over when this goes. Movable.
  class step {
   public:
    step(step&&) noexcept = default;
    step& operator=(step&&) = delete;
    ~step() {
      if (of_) of_->pass(number_);
    }

   private:
    friend class sequencer;
    step(std::shared_ptr<detail::sequence> of, std::size_t number) noexcept
        : of_(std::move(of)), number_(number) {}

    std::shared_ptr<detail::sequence> of_;
    std::size_t number_;
  };

 private:
  class [[nodiscard]] operation {
   public:
    operation(std::shared_ptr<detail::sequence> of, std::size_t number,
              const std::source_location& from) noexcept
        : of_(std::move(of)), number_(number), from_(from) {}

    auto operator co_await() && { return awaiter(std::move(of_), number_, from_); }

   private:
    std::shared_ptr<detail::sequence> of_;
    std::size_t number_;
    std::source_location from_;
  };

  class awaiter final : public detail::wait_list::waiter,
                        public detail::explained_wait {
   public:
    awaiter(std::shared_ptr<detail::sequence> of, std::size_t number,
            const std::source_location& from) noexcept
        : of_(std::move(of)), number_(number), from_(from) {}
    ~awaiter() {
      if (!has_entered_) return;
      unlink();  // before the line goes
      of_->leave(number_);
    }

    bool await_ready() {
      of_->enter(number_, from_);
      has_entered_ = true;
      return of_->is_turn_of(number_);
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      wait_in(of_->line_of(number_), frame.promise());
    }
    step await_resume() {
      throw_if_cancelled();
      has_entered_ = false;
      return step(of_, number_);
    }

   private:
    std::string explain() const override { return of_->explain(number_); }

    std::shared_ptr<detail::sequence> of_;
    std::size_t number_;
    std::source_location from_;
    bool has_entered_ = false;
  };

 public:
  sequencer() : state_(std::make_shared<detail::sequence>()) {}
  sequencer(const sequencer&) = delete;
  sequencer& operator=(const sequencer&) = delete;

  /// Waits until all steps before `number` are over, and begins it. Does not suspend if
  /// they are.
  ///
  /// Returns:      the step; not kept, it is over at once
  /// Cancellation: the step counts as not reached.
  /// Throws:       cancelled_error; usage_error – the step is used twice;
  ///               std::invalid_argument – step 0
  operation at(std::size_t number,
               std::source_location from = std::source_location::current()) const {
    return operation(state_, number, from);
  }

  /// How many steps are over.
  std::size_t passed() const noexcept { return state_->turn() - 1; }

 private:
  std::shared_ptr<detail::sequence> state_;
};

}  // namespace testing
}  // namespace aio
