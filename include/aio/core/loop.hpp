// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The wheel: wait, fire timers, run what is ready, again.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/config.hpp>
#include <aio/core/driver.hpp>
#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>
#include <aio/core/inbox.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/core/timer_heap.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/detail/scope_exit.hpp>

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace aio::detail {

/// Something that must end before its loop does: a server, a connection.
struct resident_tag;
class resident : public list_hook<resident_tag> {
 public:
  /// The loop closes and never runs again; called once, already unlinked.
  virtual void loop_closing() noexcept = 0;

 protected:
  ~resident() { unlink(); }
};

/// Decides in which order a turn runs, in place of the loop; see testing/shuffle.hpp.
class turn_order {
 public:
  /// Moves all of `due` into `ready`. Both come in the order of asyncio.
  virtual void arrange(intrusive_list<ready_node>& ready,
                       intrusive_list<ready_node>& due) = 0;

 protected:
  ~turn_order() = default;
};

struct task_tag;
/// A task among those that are not done.
class task_node : public list_hook<task_tag> {
 protected:
  ~task_node() = default;
};

/// The event loop without its public face (io/event_loop.hpp).
///
/// A turn: poll the world, move due timers behind what is ready, run what was
/// ready when the batch began. What becomes ready meanwhile waits for the next
/// turn. Shared with every future, because those may outlive the loop: they then
/// find it closed.
class loop_core final : public ref_counted {
 public:
  using exception_handler = move_only_function<void(const exception_context&)>;

  explicit loop_core(driver& world)
      : world_(&world), inbox_(std::make_shared<inbox>(world)) {}

  /// The loop that runs on this thread, or null.
  static loop_core* running() noexcept { return running_here_; }

  [[gnu::always_inline]] static loop_core& require_running() {
    if (running_here_ == nullptr) [[unlikely]]
      throw_not_running();
    return *running_here_;
  }

  // ----- ready -----

  [[gnu::always_inline]] void push(ready_node& node) noexcept {
    if (!is_awake_) [[unlikely]]
      return push_and_rouse(node);
    ready_.push_back(node);
  }

  /// All of `nodes`, in their order.
  [[gnu::always_inline]] void push_all(intrusive_list<ready_node>& nodes) noexcept {
    if (nodes.empty()) return;
    if (!is_awake_) [[unlikely]]
      return push_all_and_rouse(nodes);
    ready_.splice_back(nodes);
  }

  /// From any thread, in order per thread. False if the loop is closed.
  bool push_threadsafe(ready_node& node) {
    if (running_here_ != this) return inbox_->post(node);
    push(node);  // in one order with call_soon
    return true;
  }

  /// The mailbox, for threads that may outlive the loop: they own nothing else of it.
  const std::shared_ptr<inbox>& mailbox() const noexcept { return inbox_; }

  // ----- time -----

  time_point time() noexcept {
    if (world_ != nullptr) now_ = world_->now();
    return now_;
  }

  void arm(timer& t, time_point when) {
    timers_.arm(t, when);
    if (!is_awake_ && !closed_) request_turn(when);
  }
  void disarm(timer& t) noexcept {
    timers_.disarm(t);
    if (!is_awake_ && !closed_ && timers_.empty()) world_->request_turn(never);
  }
  std::size_t armed_timers() const noexcept { return timers_.size(); }

  // ----- running -----

  /// Counts turns: tells whether two calls came in the same one.
  std::uint64_t turn_number() const noexcept { return turn_number_; }

  bool is_running() const noexcept { return is_running_; }
  bool is_closed() const noexcept { return closed_; }

  /// Null: the order of asyncio. It must live until the loop is closed.
  void set_turn_order(turn_order* order) noexcept {
    order_ = order;
    is_special_ = debug_ || order != nullptr;
  }

  /// Runs until stop(); at least one turn.
  void run_forever() {
    check_may_run();
    const running_scope scope(*this);
    const scope_exit no_stop([this] { stopping_ = false; });
    do {
      turn();
    } while (!stopping_);
  }

  /// One turn; waits first if nothing is ready.
  void run_turn() {
    check_may_run();
    const running_scope scope(*this);
    turn();
  }

  /// run_forever() returns after the turn it is in (or, if it does not run, after
  /// its first).
  void stop() noexcept { stopping_ = true; }

  /// One turn on behalf of whoever drives the world; the world calls it when it has
  /// something to deliver, and after driver::request_turn().
  void run_as_guest() {
    if (is_running_ || closed_) return;
    const running_scope scope(*this);
    ++turn_number_;
    world_->poll();
    polled();
    run_ready();
  }

  void check_open() const {
    if (closed_) throw usage_error("the event loop is closed");
  }

  void check_may_run() const {
    check_open();
    if (is_running_) throw usage_error("this event loop is already running");
    if (running_here_ != nullptr) {
      throw usage_error("another event loop is running in this thread");
    }
  }

  void check_thread() const {
    if (debug_ && is_running_ && owner_ != std::this_thread::get_id()) {
      throw usage_error(
          "non-thread-safe operation on a loop that runs in another thread: use "
          "call_soon_threadsafe or run_coroutine_threadsafe");
    }
  }

  /// Ends everything that lives here. Ready callbacks and timers do not run.
  void close() noexcept {
    if (closed_) return;
    closed_ = true;
    is_awake_ = false;
    while (!services_.empty()) services_.pop_front().loop_closing();
    while (!tasks_.empty()) close_task_(tasks_.pop_front());
    inbox_->close(ready_);
    while (!timers_.empty()) ready_.push_back(timers_.pop());
    discard_all(ready_);
    world_ = nullptr;
  }

  // ----- those who live here -----

  /// All tasks bring the same `close_one`, called for each that is not done when the loop
  /// closes: so a task is a node here, and the loop knows nothing else of it.
  void add_task(task_node& task, void (*close_one)(task_node&) noexcept) noexcept {
    if (tasks_.empty()) {
      close_task_ = close_one;
      if (world_ != nullptr) world_->set_busy(true);
    }
    tasks_.push_back(task);
  }
  void remove_task(task_node& task) noexcept {
    task.unlink();
    if (tasks_.empty() && world_ != nullptr) world_->set_busy(false);
  }
  intrusive_list<task_node, task_tag>& tasks() noexcept { return tasks_; }

  void add_service(resident& service) noexcept { services_.push_back(service); }

  /// The task that runs now; null in a plain callback.
  class task_state* current_task = nullptr;

  /// The frame that the task runs when the present one gives way.
  std::coroutine_handle<> next_frame;

  /// How far down children may be started within the awaits of their callers, on the
  /// stack of this thread.
  static inline thread_local constinit const void* stack_floor = nullptr;

  /// Whether tasks run their first step at once unless told otherwise.
  bool eager_tasks = false;

  /// How many operations of other threads will still report back: virtual time
  /// stands still for them.
  std::size_t foreign_operations = 0;

  /// The public face of this loop, for those who were handed only this.
  void* face = nullptr;

  // ----- errors -----

  bool debug() const noexcept { return debug_; }
  void set_debug(bool on) noexcept {
    debug_ = on;
    is_special_ = on || order_ != nullptr;
  }

  /// Callbacks that take longer are reported in debug mode.
  duration slow_callback_duration = std::chrono::milliseconds(100);

  void set_exception_handler(exception_handler handler) {
    handler_ =
        handler ? std::make_shared<exception_handler>(std::move(handler)) : nullptr;
  }

  /// Reports an error that nobody took.
  void call_exception_handler(const exception_context& context) noexcept {
    try {
      const auto used = handler_;  // kept here: the handler may set another one
      if (!used) return default_exception_handler(context);
      (*used)(context);
    } catch (...) {
      default_exception_handler({"unhandled error in the exception handler",
                                 std::current_exception(), context.message});
    }
  }

 private:
  class running_scope {
   public:
    explicit running_scope(loop_core& loop) noexcept
        : loop_(&loop),
          outer_(std::exchange(running_here_, &loop)),
          outer_floor_(std::exchange(
              stack_floor, static_cast<const char*>(__builtin_frame_address(0)) -
                               stack_for_children)) {
      loop.is_running_ = true;
      loop.is_awake_ = true;
      loop.owner_ = std::this_thread::get_id();
    }
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;
    ~running_scope() {
      running_here_ = outer_;
      stack_floor = outer_floor_;
      loop_->is_running_ = false;
      loop_->fall_asleep();
    }

   private:
    intrusive_ptr<loop_core> loop_;
    loop_core* outer_;
    const void* outer_floor_;
  };

  [[gnu::always_inline]] void turn() {
    ++turn_number_;
    if (ready_.empty() && !stopping_) {
      world_->wait_until(timers_.next_deadline());
      polled();
    } else if (stopping_ || poll_is_due()) {
      world_->poll();
      polled();
    } else if (!timers_.empty() && has_ticked()) {
      time();
    }
    run_ready();
  }

  // A turn that blocks makes timers due; to read the exact time in every turn would
  // cost more than a task switch.
  bool has_ticked() noexcept {
    const std::int64_t now = coarse_now();
    return std::exchange(last_tick_, now) != now;
  }

  void run_ready() {
    inbox_->drain(ready_);
    if (is_special_) [[unlikely]]
      return run_ready_specially();
    if (timers_.next_deadline() <= now_) move_due_timers(ready_);
    batch_.splice_back(ready_);
    // Only what must leave the loop is thrown; the rest of the batch keeps its turn.
    const scope_exit unfinished([this] { ready_.splice_front(batch_); });
    while (!batch_.empty()) batch_.pop_front().run();
  }

  // In debug mode, and in an order of somebody else.
  [[gnu::noinline]] void run_ready_specially() {
    if (order_ == nullptr) {
      move_due_timers(ready_);
    } else {
      arrange_turn();
    }
    batch_.splice_back(ready_);
    const scope_exit unfinished([this] { ready_.splice_front(batch_); });
    if (debug_) return run_batch_watched();
    while (!batch_.empty()) batch_.pop_front().run();
  }

  [[gnu::noinline]] void move_due_timers(intrusive_list<ready_node>& to) noexcept {
    while (timers_.next_deadline() <= now_) to.push_back(timers_.pop());
  }

  [[gnu::noinline]] void arrange_turn() {
    intrusive_list<ready_node> due;
    move_due_timers(due);
    // Whatever it could not arrange still runs.
    const scope_exit all_of_them([&] { ready_.splice_back(due); });
    order_->arrange(ready_, due);
  }

  // While tasks are ready a poll would cost more than a task switch: the turns in
  // between are bounded by count and, as turns may be long, by time.
  bool poll_is_due() noexcept {
    if (turn_number_ % 8 != 0) return false;
    return turn_number_ - last_poll_turn_ >= 64 ||
           time() - last_poll_ >= std::chrono::microseconds(100);
  }

  void polled() noexcept {
    last_poll_turn_ = turn_number_;
    last_poll_ = time();
  }

  [[gnu::noinline]] void run_batch_watched() {
    while (!batch_.empty()) {
      ready_node& node = batch_.pop_front();
      const time_point before = clock::now();
      node.run();
      const duration took = clock::now() - before;
      if (took >= slow_callback_duration) report_slow(took);
    }
  }

  void report_slow(duration took) noexcept {
    using milliseconds = std::chrono::duration<double, std::milli>;
    call_exception_handler({"a callback or step of a task took " +
                                std::to_string(milliseconds(took).count()) +
                                " ms; nothing else ran meanwhile",
                            nullptr,
                            {}});
  }

  void fall_asleep() noexcept {
    if (closed_) return;
    is_awake_ = false;
    if (!ready_.empty()) {
      request_turn(time_point::min());
    } else {
      request_turn(timers_.next_deadline());
    }
  }

  [[noreturn, gnu::noinline]] static void throw_not_running() {
    throw usage_error(
        "no running event loop: call this from a coroutine or callback that a loop "
        "runs "
        "(aio::run starts one)");
  }

  [[gnu::noinline]] void push_and_rouse(ready_node& node) noexcept {
    if (closed_) return node.discard();
    ready_.push_back(node);
    request_turn(time_point::min());
  }

  [[gnu::noinline]] void push_all_and_rouse(
      intrusive_list<ready_node>& nodes) noexcept {
    if (closed_) return discard_all(nodes);
    ready_.splice_back(nodes);
    request_turn(time_point::min());
  }

  void request_turn(time_point when) noexcept {
    // A turn asked for at once covers all that may come until then.
    if (when == time_point::min()) is_awake_ = true;
    world_->request_turn(std::min(when, timers_.next_deadline()));
  }

  static void discard_all(intrusive_list<ready_node>& nodes) noexcept {
    while (!nodes.empty()) nodes.pop_front().discard();
  }

  static constexpr std::size_t stack_for_children = 16 * 1024;

  static inline thread_local constinit loop_core* running_here_ = nullptr;

  intrusive_list<ready_node> ready_;
  intrusive_list<ready_node> batch_;
  timer_heap timers_;
  time_point now_{};
  std::uint64_t turn_number_ = 0;
  std::uint64_t last_poll_turn_ = 0;
  time_point last_poll_{};
  std::int64_t last_tick_ = 0;
  bool is_running_ = false;
  bool stopping_ = false;
  bool closed_ = false;
  bool debug_ = false;
  bool is_special_ = false;  ///< run_ready_specially()
  bool is_awake_ = false;    ///< it runs, or a turn was asked for; never when closed
  turn_order* order_ = nullptr;
  driver* world_;
  const std::shared_ptr<inbox> inbox_;
  intrusive_list<task_node, task_tag> tasks_;
  void (*close_task_)(task_node&) noexcept = nullptr;
  intrusive_list<resident, resident_tag> services_;
  std::shared_ptr<exception_handler> handler_;
  std::thread::id owner_;
};

}  // namespace aio::detail
