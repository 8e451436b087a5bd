// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Another program as the peer of a test, without a loop.

#pragma once

#include <support/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// Whether a program is installed; if not, the test says that it does nothing.
inline bool has_program(const std::string& name) {
  const std::string command = "command -v " + name + " >/dev/null 2>&1";
  const bool found = std::system(command.c_str()) == 0;
  if (!found) WARN("not tested: the program '" << name << "' is not installed");
  return found;
}

/// A program that runs; ended with this. Its calls wait: make them in another thread
/// while a loop serves it.
class child {
 public:
  /// Its standard output is ours; its standard error goes the same way, or nowhere.
  explicit child(std::vector<std::string> arguments, bool with_errors = false) {
    int from[2];
    int to[2];
    REQUIRE(::pipe2(from, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(to, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    if (with_errors) {
      ::posix_spawn_file_actions_adddup2(&actions, from[1], 2);
    } else {
      ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    std::vector<char*> argv;
    for (std::string& one : arguments) argv.push_back(one.data());
    argv.push_back(nullptr);
    REQUIRE(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) ==
            0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(from[1]);
    ::close(to[0]);
    output_ = from[0];
    input_ = to[1];
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    close_input();
    ::close(output_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }

  void write(const std::string& text) const {
    REQUIRE(::write(input_, text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  void close_input() {
    if (input_ >= 0) ::close(std::exchange(input_, -1));
  }

  /// With its newline; at the end what is left.
  std::string read_line() {
    std::string line;
    char c = 0;
    while (read(&c, 1) == 1) {
      line += c;
      if (c == '\n') break;
    }
    return line;
  }

  /// Until the end.
  std::string read_all() {
    std::string all;
    char some[4096];
    for (;;) {
      const ssize_t n = read(some, sizeof some);
      if (n <= 0) return all;
      all.append(some, static_cast<std::size_t>(n));
    }
  }

  /// Its exit status.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  ssize_t read(char* to, std::size_t size) const noexcept {
    ssize_t n = 0;
    do {
      n = ::read(output_, to, size);
    } while (n < 0 && errno == EINTR);
    return n;
  }

  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace test
