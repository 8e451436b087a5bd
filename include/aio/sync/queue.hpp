// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// queue, priority_queue, lifo_queue: items from task to task.

#pragma once

#include <aio/core/error.hpp>
#include <aio/detail/ring.hpp>
#include <aio/sync/detail/line.hpp>
#include <aio/sync/event.hpp>

#include <algorithm>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {

/// How basic_queue keeps its items: `push(item)`, `pop()`, `size()`.
///
/// Like: the methods _put, _get and _qsize of asyncio.Queue
template <class Store, class T>
concept item_store = requires(Store& store, const Store& same, T&& item) {
  store.push(std::move(item));
  { store.pop() } -> std::same_as<T>;
  { same.size() } -> std::convertible_to<std::size_t>;
};

/// For queue::shutdown(): without waiting until the rest was taken out.
struct immediate_t {
  explicit immediate_t() = default;
};
inline constexpr immediate_t immediate{};

/// What all queues share; `Store` decides which item is next. Use queue<T>,
/// priority_queue<T> or lifo_queue<T>.
///
/// Tasks are served in the order they came. An item is handed over only when the task
/// that was woken for it runs: until then others may take it without waiting, and a
/// task that finds nothing waits again.
///
/// T may be move-only.
template <class T, class Store>
class basic_queue {
  static_assert(std::is_object_v<T> && std::move_constructible<T>);
  static_assert(item_store<Store, T>);
  class put_operation;
  template <class Yield>
  class get_operation;

 public:
  using value_type = T;

  /// Takes: how many items may wait; zero or less: as many as there come
  explicit basic_queue(std::ptrdiff_t maxsize = 0, Store store = Store())
      : items_(std::move(store)), maxsize_(maxsize) {
    finished_.set();
  }
  basic_queue(const basic_queue&) = delete;
  basic_queue& operator=(const basic_queue&) = delete;

  std::size_t qsize() const noexcept { return items_.size(); }
  std::ptrdiff_t maxsize() const noexcept { return maxsize_; }
  bool empty() const noexcept { return qsize() == 0; }
  /// Never true of an unbounded queue.
  bool full() const noexcept {
    return maxsize_ > 0 && qsize() >= static_cast<std::size_t>(maxsize_);
  }

  /// Puts an item in; waits while the queue is full.
  ///
  /// Cancellation: the item is not put, and goes with the await; if there is room, the
  ///               next one that waits is woken.
  /// Throws:       queue_shut_down – before, or meanwhile; cancelled_error; usage_error
  /// –
  ///               another loop, or destroyed meanwhile
  /// Complexity:   that of the store; waiting allocates nothing
  auto put(T item) { return put_operation(*this, std::move(item)); }

  /// Takes the next item out; waits while there is none.
  ///
  /// Cancellation: no item is lost: it stays, and the next one that waits is woken.
  /// Throws:       queue_shut_down – and empty; cancelled_error; usage_error – another
  ///               loop, or destroyed meanwhile
  /// Complexity:   that of the store; waiting allocates nothing
  auto get() noexcept { return get_operation<T>(*this); }

  /// As get(), but nothing instead of queue_shut_down, for loops:
  ///
  ///     while (auto item = co_await q.next()) use(*item);
  ///
  /// Cancellation: see get
  auto next() noexcept { return get_operation<std::optional<T>>(*this); }

  /// Throws: queue_full; queue_shut_down
  void put_nowait(T item) {
    if (!try_put(std::move(item))) throw queue_full();
  }

  /// False if the queue is full; `item` is then untouched.
  ///
  /// Throws: queue_shut_down
  [[gnu::always_inline]] bool try_put(T&& item) {
    if (is_shut_down_) throw queue_shut_down();
    if (full()) return false;
    items_.push(std::move(item));
    ++unfinished_;
    finished_.clear();
    getters_.wake_next();
    return true;
  }
  bool try_put(const T& item) requires std::copy_constructible<T> {
    return try_put(T(item));
  }

  /// Throws: queue_empty; queue_shut_down – and empty
  T get_nowait() {
    if (empty()) throw_nothing();
    return take();
  }

  /// Nothing if the queue is empty.
  ///
  /// Throws: queue_shut_down – and empty
  std::optional<T> try_get() {
    if (!empty()) return take();
    if (is_shut_down_) throw queue_shut_down();
    return std::nullopt;
  }

  /// Says that an item that was taken out is dealt with; see join().
  ///
  /// Throws: std::invalid_argument – called more often than items were put
  void task_done() {
    if (unfinished_ == 0) {
      throw std::invalid_argument("task_done() called more often than items were put");
    }
    if (--unfinished_ == 0) finished_.set();
  }

  /// Waits until task_done() was called for every item that was put.
  ///
  /// Cancellation: stops waiting.
  /// Throws:       cancelled_error; usage_error – another loop, or destroyed meanwhile
  auto join() noexcept { return finished_.wait(); }

  /// Ends the queue: nothing can be put any more, what is in it can be taken out. Tasks
  /// that wait get queue_shut_down when there is nothing for them.
  void shutdown() noexcept {
    is_shut_down_ = true;
    getters_.wake_all();
    putters_.wake_all();
  }

  /// As shutdown(), and drops what is in it as if it were dealt with.
  void shutdown(immediate_t) {
    is_shut_down_ = true;
    while (!empty()) {
      items_.pop();
      if (unfinished_ > 0) --unfinished_;
    }
    if (unfinished_ == 0) finished_.set();
    shutdown();
  }

 private:
  [[noreturn]] void throw_nothing() const {
    if (is_shut_down_) throw queue_shut_down();
    throw queue_empty();
  }

  T take() {
    T item = items_.pop();
    putters_.wake_next();
    return item;
  }

  detail::line getters_{"queue"};
  detail::line putters_{"queue"};
  event finished_{"queue"};
  Store items_;
  std::ptrdiff_t maxsize_;
  std::size_t unfinished_ = 0;
  bool is_shut_down_ = false;
};

template <class T, class Store>
class [[nodiscard]] basic_queue<T, Store>::put_operation {
 public:
  put_operation(basic_queue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}

  [[gnu::always_inline]] auto operator co_await() && {
    return awaiter(queue_, std::move(item_));
  }

 private:
  class awaiter final : public detail::line::patient_place<awaiter> {
   public:
    awaiter(basic_queue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}
    [[gnu::always_inline]] ~awaiter() {}  // = default would be a call

    bool await_ready() { return queue_.try_put(std::move(item_)); }
    template <class Promise>
    [[gnu::always_inline]] void await_suspend(std::coroutine_handle<Promise> frame) {
      queue_.getters_.bind(frame.promise().task->loop());  // each line wakes the other
      this->stand_in(queue_.putters_, frame.promise());
    }
    void await_resume() {
      if (this->has_waited()) [[unlikely]]
        finish_wait();
    }

   private:
    friend detail::line::patient_place<awaiter>;

    bool may_go_on() const noexcept { return !queue_.full() || queue_.is_shut_down_; }

    [[gnu::noinline]] void finish_wait() {
      if (this->is_in_line()) {
        this->leave();
        if (!this->is_called_off()) return queue_.put_nowait(std::move(item_));
        if (this->is_woken() && !queue_.full()) queue_.putters_.wake_next();
      }
      this->throw_if_cancelled();
      this->throw_if_orphaned();
    }

    basic_queue& queue_;
    T item_;
  };

  basic_queue& queue_;
  T item_;
};

template <class T, class Store>
template <class Yield>
class [[nodiscard]] basic_queue<T, Store>::get_operation {
 public:
  explicit get_operation(basic_queue& queue) noexcept : queue_(queue) {}

  [[gnu::always_inline]] auto operator co_await() && noexcept {
    return awaiter(queue_);
  }

 private:
  class awaiter final : public detail::line::patient_place<awaiter> {
   public:
    explicit awaiter(basic_queue& queue) noexcept : queue_(queue) {}
    [[gnu::always_inline]] ~awaiter() {}  // = default would be a call

    bool await_ready() const noexcept { return may_go_on(); }
    template <class Promise>
    [[gnu::always_inline]] void await_suspend(std::coroutine_handle<Promise> frame) {
      queue_.putters_.bind(frame.promise().task->loop());
      this->stand_in(queue_.getters_, frame.promise());
    }
    Yield await_resume() {
      if (this->has_waited()) [[unlikely]]
        finish_wait();
      if constexpr (!std::same_as<Yield, T>) {
        if (queue_.empty()) return std::nullopt;
      }
      return queue_.get_nowait();
    }

   private:
    friend detail::line::patient_place<awaiter>;

    bool may_go_on() const noexcept { return !queue_.empty() || queue_.is_shut_down_; }

    [[gnu::noinline]] void finish_wait() {
      if (this->is_in_line()) {
        this->leave();
        if (!this->is_called_off()) return;
        if (this->is_woken() && !queue_.empty()) queue_.getters_.wake_next();
      }
      this->throw_if_cancelled();
      this->throw_if_orphaned();
    }

    basic_queue& queue_;
  };

  basic_queue& queue_;
};

namespace detail {

template <class T>
class fifo_store {
 public:
  std::size_t size() const noexcept { return items_.size(); }
  void push(T&& item) { items_.push_back(std::move(item)); }
  T pop() { return items_.pop_front(); }

 private:
  ring<T> items_;
};

template <class T>
class lifo_store {
 public:
  std::size_t size() const noexcept { return items_.size(); }
  void push(T&& item) { items_.push_back(std::move(item)); }
  T pop() {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
};

/// A heap; a number tells items of equal rank apart, so that the earlier comes first.
template <class T, class Compare>
class priority_store {
 public:
  priority_store() = default;
  explicit priority_store(Compare less) : after_(std::move(less)) {}

  std::size_t size() const noexcept { return heap_.size(); }
  void push(T&& item) {
    heap_.emplace_back(std::move(item), count_++);
    std::push_heap(heap_.begin(), heap_.end(), std::ref(after_));
  }
  T pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::ref(after_));
    T item = std::move(heap_.back().first);
    heap_.pop_back();
    return item;
  }

 private:
  using entry = std::pair<T, std::uint64_t>;

  struct order {
    order() = default;
    explicit order(Compare compare) : less(std::move(compare)) {}
    bool operator()(const entry& a, const entry& b) {
      if (std::invoke(less, b.first, a.first)) return true;
      return a.second > b.second && !std::invoke(less, a.first, b.first);
    }
    Compare less;
  };

  std::vector<entry> heap_;
  std::uint64_t count_ = 0;
  order after_;
};

}  // namespace detail

/// Hands items from task to task, the oldest first.
///
///     aio::queue<std::string> urls(100);
///     co_await urls.put("http://...");            // waits while 100 are there
///     std::string url = co_await urls.get();      // elsewhere; waits for one
///     urls.task_done();                           // so that join() knows
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Like:     asyncio.Queue
template <class T>
class queue : public basic_queue<T, detail::fifo_store<T>> {
 public:
  /// Takes: how many items may wait; zero or less: as many as there come
  explicit queue(std::ptrdiff_t maxsize = 0)
      : basic_queue<T, detail::fifo_store<T>>(maxsize) {}
};

/// As queue, but the last item that came is the next.
///
/// Like: asyncio.LifoQueue
template <class T>
class lifo_queue : public basic_queue<T, detail::lifo_store<T>> {
 public:
  /// Takes: how many items may wait; zero or less: as many as there come
  explicit lifo_queue(std::ptrdiff_t maxsize = 0)
      : basic_queue<T, detail::lifo_store<T>>(maxsize) {}
};

/// As queue, but the smallest item is the next, and of equal ones the oldest.
///
/// Complexity: O(log items)
/// Like:       asyncio.PriorityQueue, which does not keep the order of equal items
template <class T, class Compare = std::less<T>>
class priority_queue : public basic_queue<T, detail::priority_store<T, Compare>> {
 public:
  /// Takes: how many items may wait; zero or less: as many as there come
  explicit priority_queue(std::ptrdiff_t maxsize = 0)
      : basic_queue<T, detail::priority_store<T, Compare>>(maxsize) {}
  priority_queue(std::ptrdiff_t maxsize, Compare less)
      : basic_queue<T, detail::priority_store<T, Compare>>(
            maxsize, detail::priority_store<T, Compare>(std::move(less))) {}
};

}  // namespace aio
