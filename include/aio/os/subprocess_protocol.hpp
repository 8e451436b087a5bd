// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Child processes by callbacks.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/pipes.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>
#include <aio/os/detail/child.hpp>
#include <aio/os/detail/start_child.hpp>
#include <aio/os/subprocess_options.hpp>
#include <aio/task/sleep.hpp>

#include <array>
#include <concepts>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {

class subprocess_transport;

/// What a child process tells its user by callbacks.
///
/// Order: connection_made first; then data of each pipe in its order, and its end; the
/// exit of the process may come before, between or after these; connection_lost when
/// the process has ended and all its pipes have. pause_writing() and resume_writing()
/// are of its standard input.
///
/// Like: asyncio.SubprocessProtocol
class subprocess_protocol : public base_protocol {
 public:
  /// The process runs. `t` is valid until connection_lost() has returned (a copy of it
  /// for longer).
  virtual void connection_made(subprocess_transport& t) { static_cast<void>(t); }

  /// Bytes of its output (`fd` 1) or errors (2); the view is valid during the call.
  virtual void pipe_data_received(int fd, std::string_view data) {
    static_cast<void>(fd);
    static_cast<void>(data);
  }

  /// The pipe `fd` (0, 1 or 2) is closed; null after a clean end.
  virtual void pipe_connection_lost(int fd, std::exception_ptr error) {
    static_cast<void>(fd);
    static_cast<void>(error);
  }

  /// The process has ended; the transport knows its return code.
  virtual void process_exited() {}
};

namespace detail {
class child_with_pipes;
}

/// A child process, as the user of a protocol sees it. A handle, cheap to copy.
///
/// Like: asyncio.SubprocessTransport
class subprocess_transport {
 public:
  subprocess_transport() noexcept = default;
  explicit subprocess_transport(
      detail::intrusive_ptr<detail::child_with_pipes> impl) noexcept;

  explicit operator bool() const noexcept { return static_cast<bool>(impl_); }
  friend bool operator==(const subprocess_transport&,
                         const subprocess_transport&) = default;

  int get_pid() const;
  /// See process::returncode.
  std::optional<int> get_returncode() const;
  /// The pipe of its standard stream 0, 1 or 2; empty if that is no pipe.
  transport get_pipe_transport(int fd) const;

  /// See process.
  void send_signal(int number) const;
  void terminate() const { send_signal(SIGTERM); }
  void kill() const { send_signal(SIGKILL); }

  /// Closes the pipes, and kills the process if it runs. May be repeated.
  void close() const;
  bool is_closing() const;

  /// Callbacks go to another protocol from here on.
  void set_protocol(std::shared_ptr<subprocess_protocol> protocol) const;
  /// Null after connection_lost().
  std::shared_ptr<base_protocol> get_protocol() const;

 private:
  detail::child_with_pipes& impl() const {
    if (!impl_) throw usage_error("an empty subprocess_transport: there is no process");
    return *impl_;
  }

  detail::intrusive_ptr<detail::child_with_pipes> impl_;
};

namespace detail {

/// A child whose protocol hears of it and of its pipes.
class child_with_pipes final : public child {
 public:
  child_with_pipes(event_loop& loop, const child_recipe& recipe, started_child& started,
                   std::shared_ptr<subprocess_protocol> protocol)
      : child(loop, recipe, started), protocol_(std::move(protocol)) {}

  /// Both ends of each pipe live; the protocol hears of it.
  void connect(event_loop& loop, child_pipes pipes) {
    if (pipes.in) connect_one<write_pipe_transport>(loop, 0, std::move(pipes.in));
    if (pipes.out) connect_one<read_pipe_transport>(loop, 1, std::move(pipes.out));
    if (pipes.err) connect_one<read_pipe_transport>(loop, 2, std::move(pipes.err));
    is_connected_ = true;
    face_ = subprocess_transport(intrusive_ptr<child_with_pipes>(this));
    tell("connection_made", [this] { protocol_->connection_made(face_); });
    finish_if_over();
  }

  transport get_pipe_transport(int fd) const {
    if (fd < 0 || fd > 2) return {};
    return pipes_[static_cast<std::size_t>(fd)].transport;
  }

  void close() noexcept {
    is_closing_ = true;
    for (end_of_pipe& one : pipes_) {
      if (one.transport) one.transport.close();
    }
    kill_quietly();
  }
  bool is_closing() const noexcept { return is_closing_; }

  void set_protocol(std::shared_ptr<subprocess_protocol> protocol) {
    if (!protocol) throw std::invalid_argument("set_protocol: no protocol");
    if (!is_finished_) protocol_ = std::move(protocol);
  }
  std::shared_ptr<subprocess_protocol> protocol() const noexcept { return protocol_; }

 private:
  struct end_of_pipe {
    aio::transport transport;
    bool is_open = false;
  };

  /// Hears for one pipe.
  class listener final : public aio::protocol {
   public:
    listener(child_with_pipes& of, int fd) : of_(&of), fd_(fd) {}

    void connection_made(transport& t) override { of_->pipe(fd_) = {t, true}; }
    void data_received(std::string_view data) override {
      of_->protocol_->pipe_data_received(fd_, data);
    }
    void connection_lost(std::exception_ptr error) override {
      of_->pipe_lost(fd_, std::move(error));
      of_ = nullptr;
    }
    void pause_writing() override { of_->protocol_->pause_writing(); }
    void resume_writing() override { of_->protocol_->resume_writing(); }

   private:
    intrusive_ptr<child_with_pipes> of_;
    int fd_;
  };

  template <class Transport>
  void connect_one(event_loop& loop, int fd, descriptor end) {
    set_nonblocking(end.get());
    start_pipe<Transport>(loop, end.get(), std::make_shared<listener>(*this, fd));
    end.release();
  }

  end_of_pipe& pipe(int fd) noexcept { return pipes_[static_cast<std::size_t>(fd)]; }

  void pipe_lost(int fd, std::exception_ptr error) {
    pipe(fd).is_open = false;
    tell("pipe_connection_lost",
         [&] { protocol_->pipe_connection_lost(fd, std::move(error)); });
    finish_if_over();
  }

  void ended() override {
    if (is_connected_) tell("process_exited", [this] { protocol_->process_exited(); });
    finish_if_over();
  }

  void let_go() noexcept override {
    is_closing_ = true;
    finish_if_over();
  }

  void finish_if_over() {
    if (!is_connected_ || is_running() || is_finished_) return;
    for (const end_of_pipe& one : pipes_) {
      if (one.is_open) return;
    }
    is_finished_ = is_closing_ = true;
    const intrusive_ptr<child> keep(this);
    tell("connection_lost", [this] { protocol_->connection_lost(nullptr); });
    const subprocess_transport own_reference = std::move(face_);
    const auto last_of_it = std::move(protocol_);
  }

  template <class F>
  void tell(const char* what, F call) {
    const intrusive_ptr<child> keep(this);
    try {
      call();
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      core().call_exception_handler(
          {std::string("subprocess_protocol.") + what + "() failed",
           std::current_exception(),
           {}});
    }
  }

  std::shared_ptr<subprocess_protocol> protocol_;
  subprocess_transport face_;  // also our own reference
  std::array<end_of_pipe, 3> pipes_;
  bool is_connected_ = false;
  bool is_closing_ = false;
  bool is_finished_ = false;
};

/// Gives way once, so that a cancel is noticed while the child is not anybody's yet:
/// it is then killed and reaped.
inline coro<> settle_child(intrusive_ptr<child> made) {
  bool is_cancelled = false;
  std::exception_ptr why;
  try {
    co_await sleep(duration::zero());
  } catch (const cancelled_error&) {
    is_cancelled = true;
    why = std::current_exception();
  }
  if (!is_cancelled) co_return;
  made->kill_quietly();
  co_await child_end(made);
  std::rethrow_exception(why);
}

template <class Factory>
auto connect_child(event_loop& loop, Factory factory, child_recipe recipe)
    -> coro<std::pair<subprocess_transport, decltype(make_protocol(factory))>> {
  auto protocol = make_protocol(factory);
  started_child started = start_child(recipe);
  intrusive_ptr<child_with_pipes> made(
      new child_with_pipes(loop, recipe, started, protocol));
  made->begin();
  {
    bool is_handed_over = false;
    const scope_exit give_up([&] {
      if (!is_handed_over) made->close();
    });
    made->connect(loop, std::move(started.pipes));
    co_await settle_child(made);
    is_handed_over = true;
  }
  co_return std::pair(subprocess_transport(made), std::move(protocol));
}

inline std::vector<std::string> shell_arguments(std::string_view command) {
  return {"/bin/sh", "-c", std::string(command)};
}

}  // namespace detail

inline subprocess_transport::subprocess_transport(
    detail::intrusive_ptr<detail::child_with_pipes> impl) noexcept
    : impl_(std::move(impl)) {}
inline int subprocess_transport::get_pid() const { return impl().pid(); }
inline std::optional<int> subprocess_transport::get_returncode() const {
  return impl().returncode();
}
inline transport subprocess_transport::get_pipe_transport(int fd) const {
  return impl().get_pipe_transport(fd);
}
inline void subprocess_transport::send_signal(int number) const {
  impl().send_signal(number);
}
inline void subprocess_transport::close() const { impl().close(); }
inline bool subprocess_transport::is_closing() const { return impl().is_closing(); }
inline void subprocess_transport::set_protocol(
    std::shared_ptr<subprocess_protocol> protocol) const {
  impl().set_protocol(std::move(protocol));
}
inline std::shared_ptr<base_protocol> subprocess_transport::get_protocol() const {
  return impl().protocol();
}

/// Runs a program and hands it to `factory()`, which returns a std::unique_ptr or
/// std::shared_ptr to a subprocess_protocol. Its standard streams are pipes unless the
/// options say otherwise.
///
/// Returns:      the transport and a shared pointer to the protocol, after
///               connection_made()
/// Cancellation: the process is killed and waited for.
/// Throws:       as create_subprocess_exec
/// Like:         loop.subprocess_exec
template <class Factory>
auto event_loop::subprocess_exec(Factory factory, std::vector<std::string> arguments,
                                 const subprocess_options& options) {
  check();
  return detail::connect_child(
      *this, std::move(factory),
      detail::child_recipe(std::move(arguments), options, pipe));
}

template <class Factory>
auto event_loop::subprocess_exec(Factory factory, std::vector<std::string> arguments) {
  return subprocess_exec(std::move(factory), std::move(arguments),
                         subprocess_options{});
}

/// The same for a command line of the shell, /bin/sh.
///
/// Cancellation: see above
/// Like:         loop.subprocess_shell
template <class Factory>
auto event_loop::subprocess_shell(Factory factory, std::string_view command,
                                  const subprocess_options& options) {
  check();
  return detail::connect_child(
      *this, std::move(factory),
      detail::child_recipe(detail::shell_arguments(command), options, pipe));
}

template <class Factory>
auto event_loop::subprocess_shell(Factory factory, std::string_view command) {
  return subprocess_shell(std::move(factory), command, subprocess_options{});
}

}  // namespace aio
