// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// task_group: children that end before the block does.

#pragma once

#include <aio/core/exception_group.hpp>
#include <aio/coro/async_generator.hpp>
#include <aio/task/future.hpp>
#include <aio/task/task.hpp>
#include <aio/task/with.hpp>

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

namespace aio {

/// Tasks that are started in a block and end with it.
///
///     co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<>
///     {
///       group.create_task(fetch, first_url);
///       group.create_task(fetch, second_url);
///       co_return;
///     });  // both are done here
///
/// The block ends when all children have ended. If one fails, or the body throws, all
/// others are cancelled (the body too, at its await) and waited for; then all errors
/// are thrown as one exception_group. A child that is cancelled is no error. Prefer it
/// to gather(), which leaves the siblings of a failed one running.
///
/// Cancellation: of the task in the block: every child is cancelled and waited for; an
///               error of a child then counts more than the cancel, which stays
///               pending.
/// Throws:       exception_group; cancelled_error; keyboard_interrupt, bare (the other
///               errors are then reported)
/// Lifetime:     must outlive the block; aio::with sees to it
/// Like:         asyncio.TaskGroup
class task_group {
 public:
  task_group() = default;
  /// Only before the block is entered.
  task_group(task_group&& other) noexcept : is_cancelled_(other.is_cancelled_) {
    AIO_ASSERT(!other.is_entered_);
  }
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group() = default;

  /// Starts a child. See aio::create_task.
  ///
  /// Throws: usage_error – the block was not entered, is over, or shuts down (the
  ///         coroutine is then closed)
  template <class T>
  task<T> create_task(coro<T>&& body, const task_options& options = {}) {
    if (const char* refusal = why_not()) {
      body.close();
      throw usage_error(refusal);
    }
    return adopt(aio::create_task(std::move(body), options));
  }
  template <detail::operation A>
  auto create_task(A&& operation, const task_options& options = {}) {
    return create_task(detail::as_coro<A>(std::move(operation)), options);
  }
  template <class F, class... Args>
  requires coroutine_function<F, Args...>
  auto create_task(const task_options& options, F&& fn, Args&&... args) {
    if (const char* refusal = why_not()) throw usage_error(refusal);
    return adopt(
        aio::create_task(options, std::forward<F>(fn), std::forward<Args>(args)...));
  }
  template <class F, class... Args>
  requires coroutine_function<F, Args...>
  auto create_task(F&& fn, Args&&... args) {
    return create_task(task_options{}, std::forward<F>(fn),
                       std::forward<Args>(args)...);
  }

  /// Cancels the children and the body; the block then ends without an error. May be
  /// repeated; before the block is entered it takes effect on entry.
  ///
  /// Like: TaskGroup.cancel (Python 3.15)
  void cancel() {
    is_cancelled_ = true;
    if (!is_entered_ || is_over() || is_aborting_) return;
    abort();
    cancel_parent();
  }

  // As a resource of aio::with.

  /// Cancellation: does not wait, so nothing is stopped.
  /// Throws:       usage_error – entered already
  coro<task_group&> enter() {
    if (is_entered_) throw usage_error("the task_group has already been entered");
    is_entered_ = true;
    parent_ = current_task();
    if (is_cancelled_) cancel();
    co_return *this;
  }

  /// Waits for the children. Yields whether the exception that left the body goes no
  /// further.
  ///
  /// Cancellation: see the class
  coro<bool> exit(std::exception_ptr error) {
    is_exiting_ = true;
    if (detail::holds<keyboard_interrupt>(error)) note_base_error(error);
    std::exception_ptr cancel;
    std::exception_ptr last_cancel;
    if (detail::holds<cancelled_error>(error)) cancel = error;
    if (error && !is_aborting_) abort();

    while (running_ > 0) {
      all_ended_ = detail::make_future<void>(parent_.core().loop());
      try {
        co_await all_ended_;
      } catch (const cancelled_error&) {
        last_cancel = std::current_exception();
        if (!is_aborting_) {
          cancel = last_cancel;
          abort();
        }
      }
    }
    children_.clear();

    if (base_error_) {
      report_all_but(base_error_);
      std::rethrow_exception(base_error_);
    }
    if (is_parent_cancelled_) {
      if (parent_.uncancel() == 0) {
        cancel = nullptr;
      } else if (!cancel) {
        cancel = last_cancel;  // what is left was not asked for by the group
      }
    }
    if (cancel && errors_.empty()) std::rethrow_exception(cancel);
    if (error && !detail::holds<cancelled_error>(error)) errors_.push_back(error);
    if (errors_.empty()) co_return true;

    // A cancel from outside is not lost: the next await raises it.
    if (parent_.cancelling() > 0) {
      parent_.uncancel();
      parent_.cancel();
    }
    if (errors_.size() == 1 && detail::holds<generator_exit>(error)) {
      std::rethrow_exception(error);
    }
    throw exception_group("unhandled errors in a task_group", std::move(errors_));
  }

 private:
  /// Watches one child.
  struct child final : detail::ready_node, detail::list_hook<child>, detail::pooled {
    child(task_group& of, any_task running) : group(&of), task(std::move(running)) {
      task.of().on_done(*this);
    }
    void run() override { group->ended(*this); }
    void discard() noexcept override { delete this; }

    task_group* group;
    any_task task;
  };

  /// Owns the watches of children that still run.
  class child_list : public detail::intrusive_list<child, child> {
   public:
    ~child_list() { clear(); }
    void clear() noexcept {
      while (!empty()) delete &pop_front();
    }
  };

  bool is_over() const noexcept { return is_exiting_ && running_ == 0; }

  const char* why_not() const noexcept {
    if (!is_entered_) return "the task_group has not been entered";
    if (is_over()) return "the task_group is finished";
    if (is_aborting_) return "the task_group is shutting down";
    return nullptr;
  }

  template <class T>
  task<T> adopt(task<T> made) {
    if (made.done()) {  // an eager one
      take_note_of(made.any());
      return made;
    }
    children_.push_back(*new child(*this, made.any()));
    ++running_;
    // One that starts eagerly may have cancelled the group before it belonged to it.
    if (is_aborting_ && !made.done()) made.cancel();
    return made;
  }

  void abort() {
    is_aborting_ = true;
    children_.for_each([](child& one) {
      if (!one.task.done()) one.task.cancel();
    });
  }

  void cancel_parent() {
    if (is_parent_cancelled_) return;
    is_parent_cancelled_ = true;
    parent_.cancel();
  }

  void report_all_but(const std::exception_ptr& thrown) {
    for (const std::exception_ptr& one : errors_) {
      if (one == thrown) continue;
      parent_.core().loop().call_exception_handler(
          {"an error of a task in a task_group that ends with a keyboard_interrupt",
           one, parent_.of().title()});
    }
  }

  void note_base_error(const std::exception_ptr& error) {
    if (!base_error_) base_error_ = error;
  }

  void ended(child& one) {
    const any_task task = one.task;
    static_cast<detail::list_hook<child>&>(one).unlink();
    delete &one;
    --running_;
    if (running_ == 0 && all_ended_ && !all_ended_.done()) all_ended_.set_result();
    take_note_of(task);
  }

  void take_note_of(const any_task& task) {
    detail::completion& end = task.of();
    if (end.succeeded() || end.cancelled()) return;
    const std::exception_ptr error = end.outcome_error();
    errors_.push_back(error);
    if (detail::holds<keyboard_interrupt>(error)) note_base_error(error);
    if (!is_aborting_ && !is_parent_cancelled_) {
      abort();
      cancel_parent();
    }
  }

  bool is_entered_ = false;
  bool is_exiting_ = false;
  bool is_aborting_ = false;
  bool is_parent_cancelled_ = false;
  bool is_cancelled_ = false;
  std::size_t running_ = 0;
  any_task parent_;
  child_list children_;
  future<void> all_ended_;
  std::vector<std::exception_ptr> errors_;
  std::exception_ptr base_error_;
};

}  // namespace aio
