// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A child that runs: its end, and signals to it.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/handle.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/io/asio_driver.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/os/detail/start_child.hpp>
#include <aio/os/subprocess_options.hpp>

#include <boost/system/system_error.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <coroutine>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace aio::detail {

/// Waits in a thread for the end of a child, where the kernel has no pidfd. The loop
/// may be gone by then.
class exit_thread {
 public:
  template <class F>
  static std::shared_ptr<exit_thread> start(pid_t pid, loop_core& loop, F has_ended) {
    auto made = std::make_shared<exit_thread>();
    made->loop_ = &loop;
    std::thread([made, pid, has_ended]() mutable {
      siginfo_t what;
      // It stays a zombie: only the loop reaps, so that it knows whom it signals.
      while (::waitid(P_PID, static_cast<id_t>(pid), &what, WEXITED | WNOWAIT) != 0 &&
             errno == EINTR) {
      }
      const std::lock_guard lock(made->mutex_);
      if (made->loop_ == nullptr) return;
      auto node =
          std::make_unique<posted_callback<F>>(*made->loop_, std::move(has_ended));
      if (made->loop_->push_threadsafe(*node)) node.release();
    }).detach();
    return made;
  }

  void forget() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  loop_core* loop_ = nullptr;
};

/// Keeps itself alive while the program runs.
class child : public ref_counted, public resident, private watcher {
 public:
  child(event_loop& loop, const child_recipe& recipe, started_child& started)
      : core_(loop.core()),
        driver_(loop.asio()),
        pid_(started.pid),
        pidfd_(std::move(started.pidfd)),
        program_(recipe.executable()),
        on_drop_(recipe.on_drop) {}

  /// Watches for the end. Kills and reaps it if that cannot be done.
  void begin() {
    self_ = intrusive_ptr<child>(this);
    core_.add_service(*this);
    try {
      if (pidfd_) {
        driver_.watch(pidfd_.get(), EPOLLIN, *this);
      } else {
        thread_ = exit_thread::start(pid_, core_, [this] { reap(); });
      }
    } catch (...) {
      resident::unlink();
      pidfd_ = descriptor();
      end_at_once();
      self_ = nullptr;
      throw;
    }
  }

  pid_t pid() const noexcept { return pid_; }
  const std::optional<int>& returncode() const noexcept { return returncode_; }
  bool is_running() const noexcept { return !returncode_ && !is_left_; }

  /// Throws: boost::system::system_error – no_such_process: it has ended;
  ///         operation_not_permitted; invalid_argument
  void send_signal(int number) {
    if (!is_running()) {
      throw_error(make_error_code(boost::system::errc::no_such_process),
                  "a signal to '" + program_ + "'");
    }
    // One that has ended and is not reaped yet is still there, and takes it quietly.
    if (deliver(number) != 0 && errno != ESRCH)
      throw_last_error("a signal to a process");
  }

  /// Whatever can be done about it at once.
  void kill_quietly() noexcept {
    if (is_running()) deliver(SIGKILL);
  }

  /// Nobody has a handle any more.
  void dropped() noexcept {
    if (on_drop_ == child_on_drop::kill) kill_quietly();
    if (on_drop_ == child_on_drop::terminate && is_running()) deliver(SIGTERM);
  }

  wait_list ending;  ///< those who wait for the end

 protected:
  ~child() override = default;

  /// returncode() is there.
  virtual void ended() {}
  /// The loop closes.
  virtual void let_go() noexcept {}

  loop_core& core() const noexcept { return core_; }

 private:
  int deliver(int number) noexcept {
#ifdef SYS_pidfd_send_signal
    if (pidfd_) {
      return static_cast<int>(
          ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0));
    }
#endif
    return ::kill(pid_, number);
  }

  void ready(std::uint32_t) override { reap(); }

  void reap() {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return;  // the set will tell again
    if (got < 0) {
      core_.call_exception_handler({"somebody else has waited for process " +
                                        std::to_string(pid_) + " ('" + program_ +
                                        "'): its return code is lost, 255 is reported",
                                    nullptr,
                                    {}});
    }
    stop_watching();
    const intrusive_ptr<child> last = std::move(self_);
    returncode_ = got < 0               ? 255
                  : WIFSIGNALED(status) ? -WTERMSIG(status)
                                        : WEXITSTATUS(status);
    ending.wake_all();
    ended();
  }

  void stop_watching() noexcept {
    resident::unlink();
    if (thread_) {
      std::exchange(thread_, nullptr)->forget();
    } else if (pidfd_) {
      driver_.unwatch(pidfd_.get(), *this);
      pidfd_ = descriptor();
    }
  }

  void loop_closing() noexcept override {
    const intrusive_ptr<child> last = std::move(self_);
    if (on_drop_ == child_on_drop::leave) {
      stop_watching();
      reap_in_thread();
      is_left_ = true;
    } else {
      core_.call_exception_handler({"the loop was closed while process " +
                                        std::to_string(pid_) + " ('" + program_ +
                                        "') ran: it is killed",
                                    nullptr,
                                    {}});
      if (thread_) thread_->forget();
      kill_quietly();
      const descriptor pidfd = std::move(pidfd_);
      if (pidfd) driver_.unwatch(pidfd.get(), *this);
      wait_for_the_killed(pidfd.get());
      returncode_ = -SIGKILL;
    }
    let_go();
  }

  void end_at_once() noexcept {
    ::kill(pid_, SIGKILL);
    wait_for_the_killed(-1);
    returncode_ = -SIGKILL;
  }

  // It dies at once, as a rule; but one that the kernel cannot stop must not stop us.
  void wait_for_the_killed(int pidfd) noexcept {
    if (pidfd >= 0) {
      pollfd wanted{pidfd, POLLIN, 0};
      ::poll(&wanted, 1, 1000);
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    }
    reap_in_thread();
  }

  void reap_in_thread() const noexcept {
    try {
      std::thread([pid = pid_] {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
      }).detach();
    } catch (...) {  // no thread: it stays a zombie until we end
    }
  }

  loop_core& core_;
  asio_driver& driver_;
  pid_t pid_;
  descriptor pidfd_;
  std::string program_;
  child_on_drop on_drop_;
  std::optional<int> returncode_;
  bool is_left_ = false;  ///< the loop has closed, and it goes on
  std::shared_ptr<exit_thread> thread_;
  intrusive_ptr<child> self_;
};

/// `co_await child_end(of)`: its return code.
///
/// Cancellation: stops waiting; the child goes on.
class [[nodiscard]] child_end {
 public:
  explicit child_end(intrusive_ptr<child> of) : of_(std::move(of)) {}

  auto operator co_await() && { return awaiter(std::move(of_)); }

 private:
  class awaiter final : public wait_list::waiter {
   public:
    explicit awaiter(intrusive_ptr<child> of) : of_(std::move(of)) {}

    bool await_ready() const noexcept { return !of_->is_running(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      wait_in(of_->ending, frame.promise());
    }
    int await_resume() {
      throw_if_cancelled();
      return of_->returncode().value();
    }

   private:
    intrusive_ptr<child> of_;
  };

  intrusive_ptr<child> of_;
};

}  // namespace aio::detail
