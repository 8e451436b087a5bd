// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Child processes: create_subprocess_exec, create_subprocess_shell, process.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/pipes.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/os/detail/child.hpp>
#include <aio/os/detail/start_child.hpp>
#include <aio/os/subprocess_options.hpp>
#include <aio/os/subprocess_protocol.hpp>
#include <aio/task/gather.hpp>

#include <boost/system/system_error.hpp>

#include <concepts>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// The handles of a process, all together.
class child_handles {
 public:
  explicit child_handles(intrusive_ptr<child> child_of) noexcept
      : of(std::move(child_of)) {}
  child_handles(const child_handles&) = delete;
  child_handles& operator=(const child_handles&) = delete;
  ~child_handles() { of->dropped(); }

  const intrusive_ptr<child> of;
};

}  // namespace detail

/// A child process. A handle, cheap to copy; the process goes on without handles, until
/// it ends or its loop is closed, unless subprocess_options::on_drop says otherwise.
///
///     auto p = co_await aio::create_subprocess_shell(
///         "sort", {.in = aio::pipe, .out = aio::pipe});
///     auto [sorted, errors] = co_await p.communicate("b\na\n");
///
/// Like: asyncio.subprocess.Process
class process {
 public:
  process() noexcept = default;

  /// Its standard input; empty unless that is a pipe. Close it, or the child may wait
  /// for more.
  stream_writer in;
  /// Its standard output and errors; at their end unless they are pipes. What a child
  /// wrote before it ended can be read afterwards.
  stream_reader out;
  stream_reader err;

  explicit operator bool() const noexcept { return handles_ != nullptr; }

  int pid() const { return of()->pid(); }

  /// None while it runs. -N: signal N ended it; 255: somebody else waited for it, which
  /// is reported as well.
  std::optional<int> returncode() const { return of()->returncode(); }

  /// Waits for its end, and yields the return code; any number of tasks may. A child
  /// that writes into a full pipe which nobody reads does not end: see communicate().
  ///
  /// Cancellation: stops waiting; the process goes on.
  /// Throws:       cancelled_error
  detail::child_end wait() const { return detail::child_end(of()); }

  /// Writes `input` to its standard input and closes that, reads all of its output and
  /// errors, and waits for its end. Yields both; what is no pipe is empty. A child that
  /// ends without reading all of its input is no error.
  ///
  /// Cancellation: stops waiting, and what was read is lost; the process goes on.
  /// Throws:       cancelled_error
  coro<std::pair<std::string, std::string>> communicate(
      std::string_view input = {}) const {
    return talk(*this, std::string(input));
  }

  /// Sends a signal. One that has ended but was not noticed yet takes it quietly; no
  /// other process ever gets it.
  ///
  /// Throws: boost::system::system_error – no_such_process: it has ended;
  ///         operation_not_permitted; invalid_argument
  void send_signal(int number) const { of()->send_signal(number); }
  void terminate() const { send_signal(SIGTERM); }
  void kill() const { send_signal(SIGKILL); }

  /// For the machinery.
  explicit process(detail::intrusive_ptr<detail::child> child_of)
      : handles_(std::make_shared<detail::child_handles>(std::move(child_of))) {
    out.feed_eof();
    err.feed_eof();
  }

 private:
  const detail::intrusive_ptr<detail::child>& of() const {
    if (!handles_) throw usage_error("an empty process");
    return handles_->of;
  }

  static coro<> feed(stream_writer to, std::string input) {
    try {
      to.write(input);
      co_await to.drain();
    } catch (const boost::system::system_error& error) {
      const auto& code = error.code();
      if (code != boost::system::errc::broken_pipe &&
          code != boost::system::errc::connection_reset) {
        throw;
      }
    }
    to.close();
  }

  static coro<std::string> read_all(stream_reader from) {
    co_return co_await from.read();
  }

  static coro<std::pair<std::string, std::string>> talk(process self,
                                                        std::string input) {
    coro<> fed;
    if (self.in) {
      fed = feed(self.in, std::move(input));
    } else {
      fed = nothing();
    }
    auto all = co_await gather(std::move(fed), read_all(self.out), read_all(self.err));
    co_await self.wait();
    co_return std::pair(std::move(std::get<1>(all)), std::move(std::get<2>(all)));
  }
  static coro<> nothing() { co_return; }

  std::shared_ptr<detail::child_handles> handles_;
};

namespace detail {

template <class Transport>
intrusive_ptr<stream_connection> connect_child_stream(event_loop& loop, descriptor end,
                                                      std::size_t limit) {
  set_nonblocking(end.get());
  auto made = open_pipe<Transport>(loop, end.get(), limit);
  end.release();
  return made;
}

inline void connect_child_streams(process& to, event_loop& loop, child_pipes pipes,
                                  std::size_t limit) {
  if (pipes.in) {
    to.in = stream_writer(
        connect_child_stream<write_pipe_transport>(loop, std::move(pipes.in), limit));
  }
  if (pipes.out) {
    to.out = stream_reader(
        connect_child_stream<read_pipe_transport>(loop, std::move(pipes.out), limit));
  }
  if (pipes.err) {
    to.err = stream_reader(
        connect_child_stream<read_pipe_transport>(loop, std::move(pipes.err), limit));
  }
}

inline coro<process> create_process(child_recipe recipe) {
  event_loop& loop = get_running_loop();
  started_child started = start_child(recipe);
  const intrusive_ptr<child> made(new child(loop, recipe, started));
  made->begin();
  process handle(made);
  {
    bool is_handed_over = false;
    const scope_exit give_up([&] {
      if (!is_handed_over) made->kill_quietly();
    });
    connect_child_streams(handle, loop, std::move(started.pipes), recipe.limit);
    co_await settle_child(made);
    is_handed_over = true;
  }
  co_return handle;
}

}  // namespace detail

/// Runs a program: the first of `arguments`, which is looked for along PATH, with all of
/// them as its arguments.
///
///     std::vector<std::string> command{"ls", "-l"};
///     auto p = co_await aio::create_subprocess_exec(command, {.out = aio::pipe});
///     std::string line = co_await p.out.readline();
///
/// The child has the standard streams that the options name, those of this process if
/// they say nothing, and no other descriptor of ours. Signals are as they are for a
/// program that a shell starts: none blocked that is not blocked here, none caught,
/// SIGPIPE not ignored.
///
/// Cancellation: the process is killed and waited for.
/// Throws:       boost::system::system_error – it cannot be run, with its name: no such
///               file, no permission; std::invalid_argument – no argument, or one with a
///               zero byte; cancelled_error
/// Like:         asyncio.create_subprocess_exec
inline coro<process> create_subprocess_exec(std::vector<std::string> arguments,
                                            const subprocess_options& options = {}) {
  return detail::create_process(
      detail::child_recipe(std::move(arguments), options, inherit));
}

/// The same with the arguments one by one: `create_subprocess_exec({}, "ls", "-l")`.
///
/// Cancellation: see above
template <std::convertible_to<std::string_view>... More>
coro<process> create_subprocess_exec(const subprocess_options& options,
                                     std::string_view program, const More&... more) {
  std::vector<std::string> arguments{std::string(program),
                                     std::string(std::string_view(more))...};
  return create_subprocess_exec(std::move(arguments), options);
}

/// Runs a command line of the shell, /bin/sh.
///
/// Takes:        a line that you wrote: what comes from elsewhere can mean anything to
///               a shell; create_subprocess_exec takes it as it is
/// Cancellation: see create_subprocess_exec; it is the shell that is killed
/// Throws:       see create_subprocess_exec
/// Like:         asyncio.create_subprocess_shell
inline coro<process> create_subprocess_shell(std::string_view command,
                                             const subprocess_options& options = {}) {
  return create_subprocess_exec(detail::shell_arguments(command), options);
}

}  // namespace aio
