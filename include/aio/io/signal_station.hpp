// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Where a loop hears of signals: the one signal handler of aio, and what it writes to.

#pragma once

#include <aio/core/error.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/asio_driver.hpp>

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace aio {

/// A set of signals: `{SIGINT, SIGTERM}`.
class signal_numbers {
 public:
  constexpr signal_numbers() noexcept = default;
  /// Throws: std::invalid_argument – no such signal
  template <class... Number>
  requires(sizeof...(Number) > 0 && (std::same_as<Number, int> &&
                                     ...)) constexpr signal_numbers(Number... numbers)
      : bits_((bit_of(numbers) | ...)) {}

  constexpr bool has(int number) const noexcept {
    return number >= 1 && number <= last && (bits_ & bit_of(number)) != 0;
  }
  constexpr bool empty() const noexcept { return bits_ == 0; }

  /// For the machinery.
  static constexpr int last = 64;
  static constexpr std::uint64_t bit_of(int number) {
    if (number < 1 || number > last) {
      throw std::invalid_argument("no such signal: " + std::to_string(number));
    }
    return std::uint64_t{1} << (number - 1);
  }

 private:
  std::uint64_t bits_ = 0;
};

namespace detail {

/// What the signal handler knows of a station. Posts are made once and used again, so
/// that the handler may go along the list at any time.
struct signal_post {
  std::atomic<std::uint64_t> wanted = 0;  ///< bits of signal_numbers
  std::atomic<int> write_end = -1;
  signal_post* next = nullptr;
  bool is_used = false;  ///< the table's lock
};

/// The signals of the process, shared by the loops of all threads.
///
/// While somebody wants a signal our handler is installed; what was there before comes
/// back after the last of them, unless the program has installed something else
/// meanwhile. A child made by fork() starts without any of it.
class signal_table {
 public:
  static signal_post& open(int write_end) {
    static const bool knows_fork =
        ::pthread_atfork([] { mutex_.lock(); }, [] { mutex_.unlock(); },
                         &signal_table::begin_as_child) == 0;
    static_cast<void>(knows_fork);
    const std::lock_guard lock(mutex_);
    signal_post* post = first_.load();
    while (post != nullptr && post->is_used) post = post->next;
    if (post == nullptr) {
      post = new signal_post;
      post->next = first_.load();
      first_.store(post);
    }
    post->is_used = true;
    post->write_end = write_end;
    return *post;
  }

  /// Afterwards no handler uses the write end any more.
  static void close(signal_post& post) noexcept {
    const std::lock_guard lock(mutex_);
    const std::uint64_t wanted = post.wanted.load();
    for (int number = 1; number <= signal_numbers::last; ++number) {
      if ((wanted & signal_numbers::bit_of(number)) != 0) leave(number);
    }
    post.wanted = 0;
    if (guard_ == &post) stop_guarding();
    while (handlers_running_ != 0) std::this_thread::yield();
    post.write_end = -1;
    post.is_used = false;
  }

  /// Throws: std::invalid_argument – no such signal; usage_error – it cannot be caught
  static void want(signal_post& post, int number) {
    const std::uint64_t bit = signal_numbers::bit_of(number);
    const std::lock_guard lock(mutex_);
    if ((post.wanted & bit) != 0) return;
    post.wanted |= bit;
    if (!join(number)) {
      post.wanted &= ~bit;
      throw usage_error("signal " + std::to_string(number) + " cannot be caught");
    }
  }
  static void drop(signal_post& post, int number) noexcept {
    const std::uint64_t bit = signal_numbers::bit_of(number);
    const std::lock_guard lock(mutex_);
    if ((post.wanted & bit) == 0) return;
    leave(number);
    post.wanted &= ~bit;
  }

  /// The first SIGINT that nobody wants goes to `post`, and the next one ends the
  /// process. False where the action is not the default one, or somebody guards already.
  static bool guard_interrupt(signal_post& post) {
    const std::lock_guard lock(mutex_);
    struct sigaction present {};
    ::sigaction(SIGINT, nullptr, &present);
    if (present.sa_handler != SIG_DFL || guard_ != nullptr) return false;
    interrupts_ = 0;
    guard_ = &post;
    if (join(SIGINT)) return true;
    guard_ = nullptr;
    return false;
  }

 private:
  struct kept_action {
    std::size_t users;
    struct sigaction former;
  };

  // Only async-signal-safe calls here.
  static void on_signal(int number) {
    const int kept_errno = errno;
    ++handlers_running_;
    const bool is_taken = deliver(number);
    --handlers_running_;
    if (!is_taken) {  // the second interrupt: as if nothing had been installed
      ::signal(number, SIG_DFL);
      ::raise(number);
    }
    errno = kept_errno;
  }

  static bool deliver(int number) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (number - 1);
    bool is_wanted = false;
    for (const signal_post* p = first_; p != nullptr; p = p->next) {
      if ((p->wanted & bit) == 0) continue;
      is_wanted = true;
      write(*p, number);
    }
    const signal_post* const guard = number == SIGINT ? guard_.load() : nullptr;
    if (is_wanted || guard == nullptr) return true;
    if (interrupts_++ > 0) return false;
    write(*guard, number);
    return true;
  }

  static void write(const signal_post& to, int number) noexcept {
    const auto byte = static_cast<unsigned char>(number);
    [[maybe_unused]] const auto written = ::write(to.write_end, &byte, 1);
  }

  static kept_action& kept(int number) noexcept {
    return kept_[static_cast<std::size_t>(number - 1)];
  }
  static bool is_ours(const struct sigaction& action) noexcept {
    return action.sa_handler == &signal_table::on_signal;
  }

  static bool join(int number) noexcept {
    struct sigaction present {};
    if (::sigaction(number, nullptr, &present) != 0) return false;
    if (!is_ours(present)) {
      struct sigaction ours {};
      ours.sa_handler = &signal_table::on_signal;
      ours.sa_flags = SA_RESTART;
      ::sigemptyset(&ours.sa_mask);
      if (::sigaction(number, &ours, nullptr) != 0) return false;
      kept(number).former = present;
    }
    ++kept(number).users;
    return true;
  }

  static void leave(int number) noexcept {
    if (--kept(number).users == 0) restore(number);
  }
  static void restore(int number) noexcept {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    if (is_ours(present)) ::sigaction(number, &kept(number).former, nullptr);
  }
  static void stop_guarding() noexcept {
    leave(SIGINT);
    guard_ = nullptr;
  }

  static void begin_as_child() {
    for (int number = 1; number <= signal_numbers::last; ++number) {
      if (std::exchange(kept(number).users, 0) > 0) restore(number);
    }
    for (signal_post* p = first_; p != nullptr; p = p->next) p->wanted = 0;
    guard_ = nullptr;
    handlers_running_ = 0;  // those were in threads that are not here
    mutex_.unlock();
  }

  static_assert(std::atomic<int>::is_always_lock_free &&
                std::atomic<std::uint64_t>::is_always_lock_free &&
                std::atomic<signal_post*>::is_always_lock_free);

  static inline std::mutex mutex_;
  static inline std::array<kept_action, signal_numbers::last> kept_{};
  static inline std::atomic<signal_post*> first_ = nullptr;
  static inline std::atomic<signal_post*> guard_ = nullptr;
  static inline std::atomic<int> interrupts_ = 0;
  static inline std::atomic<int> handlers_running_ = 0;
};

/// Calls `heard(number)` on the loop's thread for the signals that are wanted.
///
/// Numbers come through a pipe, one byte for each signal, as the handler may do nothing
/// else; when it is full, further ones are lost.
class signal_station final : private watcher {
 public:
  signal_station(asio_driver& driver, move_only_function<void(int)> heard)
      : driver_(driver), heard_(std::move(heard)) {}
  signal_station(const signal_station&) = delete;
  signal_station& operator=(const signal_station&) = delete;
  ~signal_station() { close(); }

  /// Throws: std::invalid_argument – no such signal; usage_error – it cannot be caught;
  ///         boost::system::system_error – no descriptor left
  void want(int number) {
    signal_numbers::bit_of(number);
    open();
    const scope_exit not_for_nothing([this] { close_if_idle(); });
    signal_table::want(*post_, number);
  }
  void drop(int number) noexcept {
    if (post_ == nullptr) return;
    signal_table::drop(*post_, number);
    close_if_idle();
  }

  /// See signal_table. False also if there is no descriptor left.
  bool guard_interrupt() {
    try {
      open();
    } catch (const boost::system::system_error&) {
      return false;
    }
    is_guard_ = signal_table::guard_interrupt(*post_);
    close_if_idle();
    return is_guard_;
  }

 private:
  void open() {
    if (post_ != nullptr) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
      throw boost::system::system_error(errno, boost::system::system_category(),
                                        "a pipe for signals");
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
    scope_exit close_both([&] {
      if (post_ != nullptr) return;
      ::close(read_end_);
      ::close(write_end_);
    });
    driver_.watch(read_end_, EPOLLIN, *this);
    post_ = &signal_table::open(write_end_);
  }

  // A host shall not wait for a guest that has nothing to wait for.
  void close_if_idle() noexcept {
    if (!is_guard_ && post_->wanted == 0) close();
  }

  void close() noexcept {
    if (post_ == nullptr) return;
    driver_.unwatch(read_end_, *this);
    signal_table::close(*std::exchange(post_, nullptr));
    ::close(read_end_);
    ::close(write_end_);
  }

  void ready(std::uint32_t) override {
    std::array<unsigned char, 64> numbers;
    const auto count = ::read(read_end_, numbers.data(), numbers.size());
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
      heard_(numbers[i]);
    }
  }

  asio_driver& driver_;
  move_only_function<void(int)> heard_;
  signal_post* post_ = nullptr;
  int read_end_ = -1;
  int write_end_ = -1;
  bool is_guard_ = false;
};

}  // namespace detail
}  // namespace aio
