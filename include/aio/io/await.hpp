// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One Asio operation as one suspension; use_aio (io/use_aio.hpp) is its public face.

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/detail/frame_pool.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace aio::detail {

/// What Asio allocates for an operation comes from where frames come from.
template <class T>
struct pool_allocator {
  using value_type = T;

  pool_allocator() noexcept = default;
  template <class U>
  pool_allocator(const pool_allocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    return static_cast<T*>(frame_pool::allocate(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    frame_pool::deallocate(memory, n * sizeof(T));
  }
  friend bool operator==(const pool_allocator&, const pool_allocator&) noexcept {
    return true;
  }
};

// ----- signatures -----

template <class Signature>
struct plain_signature;
template <class R, class... Args>
struct plain_signature<R(Args...)> {
  using type = R(Args...);
  using arguments = std::tuple<std::decay_t<Args>...>;
};
template <class R, class... Args>
struct plain_signature<R(Args...)&> : plain_signature<R(Args...)> {};
template <class R, class... Args>
struct plain_signature<R(Args...) &&> : plain_signature<R(Args...)> {};
template <class R, class... Args>
struct plain_signature<R(Args...) noexcept> : plain_signature<R(Args...)> {};
template <class R, class... Args>
struct plain_signature<R(Args...)& noexcept> : plain_signature<R(Args...)> {};
template <class R, class... Args>
struct plain_signature<R(Args...)&& noexcept> : plain_signature<R(Args...)> {};

inline void throw_if_error(const boost::system::error_code& error) {
  if (error) throw boost::system::system_error(error);
}
inline void throw_if_error(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

template <class T>
inline constexpr bool is_error = std::is_same_v<T, boost::system::error_code> ||
                                 std::is_same_v<T, std::exception_ptr>;

/// None is nothing, one is itself, several are a tuple.
template <class... T>
auto without_tuple(std::tuple<T...>&& values) {
  if constexpr (sizeof...(T) == 1) {
    return std::get<0>(std::move(values));
  } else if constexpr (sizeof...(T) > 1) {
    return std::move(values);
  }
}

/// What an await makes of what the handler was given: an error that comes first is
/// thrown.
template <class First, class... Rest>
auto value_of_completion(std::tuple<First, Rest...>&& got) {
  if constexpr (is_error<First>) {
    throw_if_error(std::get<0>(got));
    return std::apply(
        [](First&, Rest&... rest) {
          return without_tuple(std::tuple<Rest...>(std::move(rest)...));
        },
        got);
  } else {
    return without_tuple(std::move(got));
  }
}
inline void value_of_completion(std::tuple<>&&) {}

template <class Arguments>
using completion_value_t = decltype(value_of_completion(std::declval<Arguments>()));

template <class T>
using non_void_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class Found, class... Rest>
struct distinct_types {
  using type = Found;
};
template <class... Found, class Next, class... Rest>
struct distinct_types<std::variant<Found...>, Next, Rest...>
    : distinct_types<
          std::conditional_t<(std::is_same_v<Found, Next> || ...),
                             std::variant<Found...>, std::variant<Found..., Next>>,
          Rest...> {};

/// One type for what several signatures yield: theirs if they agree, else a variant.
template <class First, class... Rest>
struct common_value {
  using type =
      std::conditional_t<(std::is_same_v<First, Rest> && ...), First,
                         typename distinct_types<std::variant<>, non_void_t<First>,
                                                 non_void_t<Rest>...>::type>;
};

// ----- the two sides -----

/// What an operation and the frame that awaits it share; either may go first, and the
/// handler may be called, or dropped, on any thread.
template <class... Signatures>
class asio_state final : public ready_node, public pooled {
 public:
  using stored =
      std::variant<std::monostate, typename plain_signature<Signatures>::arguments...>;

  /// Somebody to be told, on the loop's thread.
  class listener : public suspension {
   public:
    virtual void handler_was_called() noexcept = 0;

   protected:
    ~listener() = default;
  };

  asio_state(loop_core& loop, listener& waiting) noexcept
      : loop_(loop), waiting_(&waiting) {}

  boost::asio::cancellation_signal stop;
  stored result;  ///< monostate: the handler was dropped without a call

  // ----- the handler's side -----

  void arrive() noexcept {
    if (std::this_thread::get_id() == thread_) return run();
    refs_.fetch_add(1, std::memory_order_relaxed);  // the loop's
    bool is_on_its_way = false;
    {
      // While somebody waits, the loop is there.
      const std::lock_guard lock(mutex_);
      is_on_its_way = waiting_ != nullptr && loop_.push_threadsafe(*this);
    }
    if (!is_on_its_way) release();
    release();
  }

  // ----- the frame's side -----

  bool has_arrived() const noexcept { return has_arrived_; }

  /// The frame goes. An operation that is still under way finds nobody.
  void leave() noexcept {
    if (!has_arrived_) {
      {
        const std::lock_guard lock(mutex_);
        waiting_ = nullptr;
      }
      stop.emit(boost::asio::cancellation_type::terminal);
    }
    release();
  }

  void request_stop() {
    using type = boost::asio::cancellation_type;
    stop.emit(type::terminal | type::partial | type::total);
  }

 private:
  // On the loop's thread.
  void run() noexcept override {
    has_arrived_ = true;
    if (waiting_ != nullptr) waiting_->handler_was_called();
    release();
  }
  void discard() noexcept override { release(); }

  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  loop_core& loop_;
  listener* waiting_;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::atomic<std::uint32_t> refs_ = 2;
  std::mutex mutex_;
  bool has_arrived_ = false;  ///< the loop's thread
};

template <class Derived, std::size_t I, class Signature>
struct asio_call;
template <class Derived, std::size_t I, class R, class... Args>
struct asio_call<Derived, I, R(Args...)> {
  void operator()(Args... args) {
    static_cast<Derived&>(*this).template complete<I>(std::forward<Args>(args)...);
  }
};

template <class Indexes, class... Signatures>
class asio_handler;

/// The completion handler: can be called in each of the ways that are agreed on.
template <std::size_t... I, class... Signatures>
class asio_handler<std::index_sequence<I...>, Signatures...>
    : public asio_call<asio_handler<std::index_sequence<I...>, Signatures...>, I,
                       typename plain_signature<Signatures>::type>... {
  using state = asio_state<Signatures...>;

 public:
  using executor_type = boost::asio::io_context::executor_type;
  using allocator_type = pool_allocator<void>;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  asio_handler(state& shared, const executor_type& executor) noexcept
      : state_(&shared), slot_(shared.stop.slot()), executor_(executor) {}
  asio_handler(asio_handler&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)),
        slot_(other.slot_),
        executor_(other.executor_) {}
  asio_handler& operator=(asio_handler&&) = delete;
  ~asio_handler() {
    if (state_ != nullptr) state_->arrive();
  }

  using asio_call<asio_handler, I,
                  typename plain_signature<Signatures>::type>::operator()...;

  executor_type get_executor() const noexcept { return executor_; }
  allocator_type get_allocator() const noexcept { return {}; }
  cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

 private:
  template <class, std::size_t, class>
  friend struct asio_call;

  template <std::size_t Index, class... Args>
  void complete(Args&&... args) {
    state_->result.template emplace<Index + 1>(std::forward<Args>(args)...);
    std::exchange(state_, nullptr)->arrive();
  }

  state* state_;
  cancellation_slot_type slot_;
  executor_type executor_;
};

/// Calls `start(handler)` at the await, where the handler takes what the signatures say,
/// and yields what it was called with.
///
/// Cancellation: asks the operation to stop (in every way that it can) and waits for its
///               handler; then the await raises, and what it brought is lost.
/// Throws:       what comes first as an error_code or exception_ptr; cancelled_error;
///               boost::system::system_error with operation_aborted – the handler was
///               dropped
/// Complexity:   one allocation, from the pool, and what the operation itself needs
template <class Start, class... Signatures>
class [[nodiscard]] asio_operation {
  using state = asio_state<Signatures...>;
  using value = typename common_value<
      completion_value_t<typename plain_signature<Signatures>::arguments>...>::type;

  class awaiter final : public state::listener {
   public:
    explicit awaiter(Start&& start) : start_(std::move(start)) {}
    ~awaiter() {
      if (state_ != nullptr) state_->leave();
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      using handler =
          asio_handler<std::index_sequence_for<Signatures...>, Signatures...>;
      event_loop& loop = get_running_loop();
      const auto executor = loop.io_context().get_executor();
      state_ = new state(loop.core(), *this);
      std::move(start_)(handler(*state_, executor));
      if (state_->has_arrived()) return false;  // called from within
      is_parked_ = true;
      this->park(frame.promise());
      return true;
    }

    value await_resume() {
      this->throw_if_cancelled();
      return std::visit(
          [](auto& got) -> value {
            if constexpr (std::is_same_v<decltype(got), std::monostate&>) {
              throw boost::system::system_error(boost::asio::error::operation_aborted,
                                                "the handler was dropped");
            } else {
              return convert(std::move(got));
            }
          },
          state_->result);
    }

   private:
    template <class Arguments>
    static value convert(Arguments&& got) {
      using given = completion_value_t<Arguments>;
      if constexpr (std::is_void_v<value> || !std::is_void_v<given>) {
        return value_of_completion(std::move(got));
      } else {
        value_of_completion(std::move(got));
        return std::monostate();
      }
    }

    void handler_was_called() noexcept override {
      if (is_parked_) this->wake();
    }

    bool cancel() noexcept override {
      if (!state_->has_arrived()) state_->request_stop();
      return false;  // raised when the handler has run
    }

    Start start_;
    state* state_ = nullptr;
    bool is_parked_ = false;
  };

 public:
  explicit asio_operation(Start start) : start_(std::move(start)) {}
  template <class Other>
  requires std::constructible_from<Start, Other> asio_operation(
      asio_operation<Other, Signatures...>&& other)
      : start_(std::move(other.start_)) {}

  auto operator co_await() && { return awaiter(std::move(start_)); }

 private:
  template <class, class...>
  friend class asio_operation;

  Start start_;
};

/// One type for all operations with these signatures, at the price of an allocation; for
/// those tokens that must name what we return before they know what is started.
template <class... Signatures>
using any_asio_operation = asio_operation<
    move_only_function<void(
        asio_handler<std::index_sequence_for<Signatures...>, Signatures...>)>,
    Signatures...>;

/// An operation out of what async_initiate() is given.
template <class... Signatures, class Initiation, class... Args>
auto make_asio_operation(Initiation&& initiation, Args&&... args) {
  auto start = [initiate =
                    std::decay_t<Initiation>(std::forward<Initiation>(initiation)),
                bound = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)](
                   auto&& handler) mutable {
    std::apply(
        [&](auto&... bound_args) {
          std::move(initiate)(std::move(handler), std::move(bound_args)...);
        },
        bound);
  };
  return asio_operation<decltype(start), Signatures...>(std::move(start));
}

}  // namespace aio::detail
