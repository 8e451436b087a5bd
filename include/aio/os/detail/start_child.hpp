// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Starts a program: vfork, what must happen in between, and exec.

#pragma once

#include <aio/detail/scope_exit.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/os/subprocess_options.hpp>

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::detail {

/// What the options say, in strings of our own.
class child_recipe {
 public:
  child_recipe(std::vector<std::string> arguments, const subprocess_options& options,
               child_stream usual)
      : arguments_(std::move(arguments)),
        cwd_(options.cwd),
        executable_(options.executable),
        pass_fds_(options.pass_fds.begin(), options.pass_fds.end()),
        streams{options.in.otherwise(usual), options.out.otherwise(usual),
                options.err.otherwise(usual)},
        start_new_session(options.start_new_session),
        process_group(options.process_group),
        limit(options.limit),
        on_drop(options.on_drop) {
    if (arguments_.empty()) throw std::invalid_argument("a program without a name");
    if (limit == 0) throw std::invalid_argument("a limit of 0");
    if (streams[0] == to_stdout || streams[1] == to_stdout) {
      throw std::invalid_argument("only errors can go to_stdout");
    }
    if (options.env) environment_ = options.env.copy();
    if (executable_.empty()) executable_ = arguments_.front();
    std::ranges::sort(pass_fds_);
    check_strings();
  }

  const std::vector<std::string>& arguments() const noexcept { return arguments_; }
  const std::string& cwd() const noexcept { return cwd_; }
  const std::string& executable() const noexcept { return executable_; }
  const std::optional<std::vector<std::string>>& environment() const noexcept {
    return environment_;
  }
  const std::vector<int>& pass_fds() const noexcept { return pass_fds_; }

  /// Where the program may be: along the PATH that the child has.
  std::vector<std::string> places() const {
    if (executable_.find('/') != std::string::npos) return {executable_};
    std::vector<std::string> found;
    std::string_view path = search_path();
    for (;;) {
      const std::size_t end = std::min(path.find(':'), path.size());
      const std::string folder(end == 0 ? "." : path.substr(0, end));
      found.push_back(folder + "/" + executable_);
      if (end == path.size()) return found;
      path.remove_prefix(end + 1);
    }
  }

 private:
  std::string_view search_path() const {
    constexpr std::string_view usual = "/bin:/usr/bin";
    if (!environment_) {
      const char* path = std::getenv("PATH");
      return path == nullptr ? usual : std::string_view(path);
    }
    for (const std::string& variable : *environment_) {
      if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
    }
    return usual;
  }

  void check_strings() const {
    const auto check = [](const std::string& text) {
      if (text.find('\0') != std::string::npos) {
        throw std::invalid_argument("a zero byte in an argument of a program");
      }
    };
    std::ranges::for_each(arguments_, check);
    check(cwd_);
    check(executable_);
    if (!environment_) return;
    std::ranges::for_each(*environment_, check);
    for (const std::string& variable : *environment_) {
      if (variable.find('=', 1) == std::string::npos) {
        throw std::invalid_argument("an environment variable without '=': " + variable);
      }
    }
  }

  std::vector<std::string> arguments_;
  std::string cwd_;
  std::string executable_;
  std::optional<std::vector<std::string>> environment_;
  std::vector<int> pass_fds_;

 public:
  std::array<child_stream, 3> streams;
  bool start_new_session;
  std::optional<int> process_group;
  std::size_t limit;
  child_on_drop on_drop;
};

/// Our ends of the pipes to a child, empty where there is none.
struct child_pipes {
  descriptor in, out, err;
};

struct started_child {
  pid_t pid = -1;
  descriptor pidfd;  ///< empty where the kernel has none
  child_pipes pipes;
};

// ----- in the child, on the memory of the parent: no allocation, no lock -----

/// All that it needs, prepared.
struct child_plan {
  static constexpr int keep = -1;
  static constexpr int same_as_output = -2;

  std::vector<char*> arguments;
  std::vector<char*> places;
  char* const* environment;
  const char* cwd;               ///< null: as it is
  std::array<int, 3> streams;    ///< a descriptor, keep or same_as_output
  const std::vector<int>* pass;  ///< in order
  bool new_session;
  int group;      ///< -1: as it is
  sigset_t mask;  ///< of signals, before it was started
  int failures;   ///< to which a child_failure is written
  unsigned highest_fd;
};

struct child_failure {
  enum step : int { streams, session, cwd, exec };
  int error;
  step at;
};

[[noreturn]] inline void fail_in_child(int to, int error, child_failure::step at) {
  const child_failure what{error, at};
  [[maybe_unused]] const auto written = ::write(to, &what, sizeof what);
  ::_exit(255);
}

/// A handler of ours must not run there, nor what we ignore be ignored.
inline void reset_signals(const sigset_t& mask) {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    const bool is_ignored = action.sa_handler == SIG_IGN && number != SIGPIPE;
    if (action.sa_handler == SIG_DFL || is_ignored) continue;
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(number, &usual, nullptr);
  }
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

inline bool keep_on_exec(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  return flags >= 0 && ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}

inline void close_range_on_exec(unsigned first, unsigned last, unsigned highest) {
  if (first > last) return;
#ifdef SYS_close_range
  constexpr unsigned close_range_cloexec = 4;
  if (::syscall(SYS_close_range, first, last, close_range_cloexec) == 0) return;
#endif
  for (unsigned fd = first; fd <= std::min(last, highest); ++fd) {
    ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
  }
}

inline bool arrange_streams(const child_plan& plan) {
  // Out of the way first, so that none is overwritten before it is used.
  std::array<int, 3> from = plan.streams;
  for (int i = 0; i < 3; ++i) {
    int& fd = from[static_cast<std::size_t>(i)];
    if (fd < 0 || fd > 2 || fd == i) continue;
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return false;
  }
  for (int i = 0; i < 3; ++i) {
    const int fd = from[static_cast<std::size_t>(i)];
    if (fd == child_plan::keep) continue;
    if (fd == i) {
      if (!keep_on_exec(fd)) return false;
    } else if (::dup2(fd == child_plan::same_as_output ? 1 : fd, i) < 0) {
      return false;
    }
  }
  unsigned next = 3;
  for (const int fd : *plan.pass) {
    if (!keep_on_exec(fd)) return false;
    if (fd < 3) continue;
    const auto passed = static_cast<unsigned>(fd);
    if (passed > next) close_range_on_exec(next, passed - 1, plan.highest_fd);
    next = passed + 1;
  }
  close_range_on_exec(next, UINT_MAX, plan.highest_fd);
  return true;
}

/// errno tells why it could not be.
inline int run_program(const child_plan& plan) {
  int error = 0;
  for (char* place : plan.places) {
    ::execve(place, plan.arguments.data(), plan.environment);
    // A place that is not there hides no better reason.
    if (error == 0 || (errno != ENOENT && errno != ENOTDIR)) error = errno;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  return error;
}

[[noreturn]] inline void become_child(const child_plan& plan) {
  int failures = plan.failures;
  if (failures < 3) failures = ::fcntl(failures, F_DUPFD_CLOEXEC, 3);
  reset_signals(plan.mask);
  if ((plan.new_session && ::setsid() < 0) ||
      (plan.group >= 0 && ::setpgid(0, plan.group) != 0)) {
    fail_in_child(failures, errno, child_failure::session);
  }
  if (!arrange_streams(plan)) {
    fail_in_child(failures, errno, child_failure::streams);
  }
  if (plan.cwd != nullptr && ::chdir(plan.cwd) != 0) {
    fail_in_child(failures, errno, child_failure::cwd);
  }
  fail_in_child(failures, run_program(plan), child_failure::exec);
}

// The parent stands still until the child has its own memory. A function of its own, so
// that nothing of the caller changes under its feet.
[[gnu::noinline]] inline pid_t fork_child(const child_plan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) become_child(plan);
  return pid;
}

// ----- in the parent -----

inline std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> made;
  made.reserve(strings.size() + 1);
  for (const std::string& one : strings) made.push_back(const_cast<char*>(one.c_str()));
  made.push_back(nullptr);
  return made;
}

/// {the end that is read, the end that is written}
inline std::pair<descriptor, descriptor> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_last_error("pipe");
  return {descriptor(ends[0]), descriptor(ends[1])};
}

/// The streams of a child, as the child sees them and as we do.
class child_ends {
 public:
  explicit child_ends(const std::array<child_stream, 3>& wanted) {
    for (std::size_t i = 0; i < 3; ++i) theirs_[i] = make(wanted[i], i);
  }

  const std::array<int, 3>& theirs() const noexcept { return theirs_; }
  child_pipes ours() noexcept { return std::move(ours_); }

 private:
  int make(child_stream wanted, std::size_t i) {
    using kind = child_stream::kind;
    switch (wanted.what()) {
      case kind::pipe: {
        auto [read, write] = make_pipe();
        if (i == 0) std::swap(read, write);
        (i == 0 ? ours_.in : i == 1 ? ours_.out : ours_.err) = std::move(read);
        return keep(std::move(write));
      }
      case kind::devnull: {
        descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        if (!null) throw_last_error("/dev/null");
        return keep(std::move(null));
      }
      case kind::to_stdout:
        return child_plan::same_as_output;
      case kind::descriptor:
        return wanted.fd();
      case kind::unset:
      case kind::inherit:
        break;
    }
    return child_plan::keep;
  }

  int keep(descriptor fd) {
    kept_.push_back(std::move(fd));
    return kept_.back().get();
  }

  child_pipes ours_;
  std::array<int, 3> theirs_{};
  std::vector<descriptor> kept_;  // until the child has them
};

[[noreturn]] inline void throw_failure(const child_recipe& recipe,
                                       const child_failure& what) {
  const boost::system::error_code error(what.error, boost::system::system_category());
  switch (what.at) {
    case child_failure::exec:
      throw_error(error, "cannot run '" + recipe.executable() + "'");
    case child_failure::cwd:
      throw_error(error,
                  "cannot run '" + recipe.executable() + "' in '" + recipe.cwd() + "'");
    case child_failure::session:
      throw_error(error, "no session or group for '" + recipe.executable() + "'");
    case child_failure::streams:
      break;
  }
  throw_error(error, "the descriptors for '" + recipe.executable() + "'");
}

inline descriptor open_pidfd(pid_t pid) noexcept {
#ifdef SYS_pidfd_open
  return descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
#else
  static_cast<void>(pid);
  return {};
#endif
}

inline unsigned highest_descriptor() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

/// Throws: boost::system::system_error – why it does not run, with the program's name
inline started_child start_child(const child_recipe& recipe) {
  child_ends ends(recipe.streams);
  auto [failure_read, failure_write] = make_pipe();
  const std::vector<std::string> places = recipe.places();

  child_plan plan;
  plan.arguments = pointers_to(recipe.arguments());
  plan.places = pointers_to(places);
  plan.places.pop_back();
  std::vector<char*> variables;
  if (recipe.environment()) variables = pointers_to(*recipe.environment());
  plan.environment = recipe.environment() ? variables.data() : ::environ;
  plan.cwd = recipe.cwd().empty() ? nullptr : recipe.cwd().c_str();
  plan.streams = ends.theirs();
  plan.pass = &recipe.pass_fds();
  plan.new_session = recipe.start_new_session;
  plan.group = recipe.process_group.value_or(-1);
  plan.failures = failure_write.get();
  plan.highest_fd = highest_descriptor();

  // No handler runs in the child while it shares our memory.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &plan.mask);
  const pid_t pid = fork_child(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &plan.mask, nullptr);
  if (pid < 0) {
    throw_error({fork_error, boost::system::system_category()},
                "no process for '" + recipe.executable() + "'");
  }

  failure_write = descriptor();
  child_failure failure{};
  ssize_t got = 0;
  do {
    got = ::read(failure_read.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    throw_failure(recipe, failure);
  }
  // Nobody reaps it before we do, so the number is still its own.
  return {pid, open_pidfd(pid), ends.ours()};
}

}  // namespace aio::detail
