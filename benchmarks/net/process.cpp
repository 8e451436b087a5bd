// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace bench {

std::optional<cpu_plan> plan_cpus() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::nullopt;
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu) {
    if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) cpus.push_back(cpu);
  }
  if (cpus.size() < 2) return std::nullopt;
  return cpu_plan{cpus[0], cpus[1]};
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

std::size_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

child_process::child_process(const std::filesystem::path& program,
                             const std::vector<std::string>& arguments,
                             errors standard_error, const variables& environment) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  output_ = unique_fd(ends[0]);
  const unique_fd input(ends[1]);
  const unique_fd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));

  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);

  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    // A server must not outlive a bench that was killed.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(input.get(), STDOUT_FILENO) >= 0) {
      if (standard_error == errors::hidden) dup2(nowhere.get(), STDERR_FILENO);
      for (const auto& [name, value] : environment) {
        setenv(name.c_str(), value.c_str(), 1);
      }
      execv(argv[0], argv.data());
      std::perror(argv[0]);
    }
    _exit(127);
  }
  running_ = true;
}

child_process::child_process(child_process&& other) noexcept
    : pid_(other.pid_),
      running_(std::exchange(other.running_, false)),
      fate_(std::move(other.fate_)),
      output_(std::move(other.output_)),
      unread_(std::move(other.unread_)) {}

child_process::~child_process() {
  if (!running_) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < 200 && fate().empty(); ++i) usleep(10'000);
  if (!running_) return;
  kill(pid_, SIGKILL);
  join();
}

std::optional<std::string> child_process::read_line(int timeout_ms) {
  for (;;) {
    const std::size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    pollfd ready{output_.get(), POLLIN, 0};
    const int n = poll(&ready, 1, timeout_ms);
    if (n == 0) throw std::runtime_error("no output in time");
    std::array<char, 4096> data;
    const ssize_t size = read(output_.get(), data.data(), data.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    unread_.append(data.data(), static_cast<std::size_t>(size));
  }
}

std::string child_process::fate() {
  int status = 0;
  if (running_ && waitpid(pid_, &status, WNOHANG) == pid_) note(status);
  return fate_;
}

std::string child_process::join() {
  int status = 0;
  while (running_) {
    if (waitpid(pid_, &status, 0) == pid_) {
      note(status);
    } else if (errno != EINTR) {
      break;
    }
  }
  return fate_;
}

void child_process::send_signal(int number) const {
  if (running_) kill(pid_, number);
}

void child_process::note(int status) {
  running_ = false;
  fate_ = WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status)) +
                                    " (" + strsignal(WTERMSIG(status)) + ")"
                              : "exit code " + std::to_string(WEXITSTATUS(status));
}

std::uint16_t read_port(child_process& server) {
  const std::optional<std::string> line = server.read_line(10'000);
  if (!line) throw std::runtime_error("it ended at once: " + server.join());
  std::uint16_t port = 0;
  const char* end = line->data() + line->size();
  const std::size_t colon = line->rfind(':');
  if (!line->starts_with("listening on ") ||
      std::from_chars(line->data() + colon + 1, end, port).ptr != end) {
    throw std::runtime_error("expected `listening on HOST:PORT`, got: " + *line);
  }
  return port;
}

std::size_t private_memory(pid_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::size_t kib = 0;
    if (word == "Anonymous:" && rollup >> kib) return kib * 1024;
  }
  throw std::runtime_error("cannot read the memory of process " +
                           std::to_string(process));
}

}  // namespace bench
