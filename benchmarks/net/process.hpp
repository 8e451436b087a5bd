// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The programs that `bench` starts, and what can be seen of them from outside.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unique_fd.hpp"

namespace bench {

/// Where to run: one CPU for the servers, another for the generator.
struct cpu_plan {
  int servers = 0;
  int generator = 0;
};

/// Returns: the first two CPUs this process may use; nothing when it has only one,
///          as two that share it are better not pinned
std::optional<cpu_plan> plan_cpus();

/// Moves this process, and the children it starts from now on, to one CPU.
void pin_to(int cpu);

/// Raises the limit of open files as far as is allowed and returns it.
std::size_t raise_file_limit();

/// A child process; it ends with this object, or with this process at the latest.
class child_process {
 public:
  enum class errors { shown, hidden };
  using variables = std::vector<std::pair<std::string, std::string>>;

  /// Starts a program whose standard output can be read here.
  ///
  /// Takes:  standard_error – whether to show it as ours or to drop it;
  ///         environment – variables that it gets besides ours
  /// Throws: std::runtime_error – it cannot be started
  explicit child_process(const std::filesystem::path& program,
                         const std::vector<std::string>& arguments = {},
                         errors standard_error = errors::shown,
                         const variables& environment = {});
  child_process(child_process&& other) noexcept;
  ~child_process();

  pid_t pid() const noexcept { return pid_; }

  /// Returns: the next line of its output without the newline; nothing at the end
  /// Throws:  std::runtime_error – none came in time
  std::optional<std::string> read_line(int timeout_ms = -1);

  /// Returns: "" while it runs, then how it ended, such as "killed by signal 9"
  std::string fate();

  /// Waits for its end and returns fate().
  std::string join();

  void send_signal(int number) const;

 private:
  void note(int status);

  pid_t pid_ = 0;
  bool running_ = false;
  std::string fate_;
  unique_fd output_;
  std::string unread_;
};

/// Reads `listening on HOST:PORT` from a server that has just been started.
///
/// Throws: std::runtime_error – it said something else, nothing for ten seconds, or
///         it ended
std::uint16_t read_port(child_process& server);

/// Returns: the bytes of memory that belong to this process alone (heap, stacks);
///          memory of the kernel, such as its socket buffers, does not show here
std::size_t private_memory(pid_t process);

}  // namespace bench
