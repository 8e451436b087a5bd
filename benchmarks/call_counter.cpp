// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "call_counter.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <new>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace bench {

call_counter::call_counter(const std::filesystem::path& folder)
    : library_(folder / "libcount_calls.so"),
      file_(memfd_create("aio-bench-calls", MFD_CLOEXEC)) {
  void* memory = MAP_FAILED;
  if (file_ && ftruncate(file_.get(), sizeof(call_page)) == 0) {
    memory = mmap(nullptr, sizeof(call_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                  file_.get(), 0);
  }
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mmap");
  }
  page_ = new (memory) call_page;
}

call_counter::~call_counter() { munmap(const_cast<call_page*>(page_), sizeof *page_); }

bool call_counter::works() const { return std::filesystem::exists(library_); }

child_process::variables call_counter::environment() const {
  const std::string file =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_.get());
  return {{"LD_PRELOAD", library_}, {call_page_variable, file}};
}

// It says on standard error that it has attached, and at the end what it has counted.
// In between come lines about threads that it finds.
call_tracer::call_tracer(pid_t process)
    : strace_("/bin/sh",
              {"-c", "exec strace -f -c -p " + std::to_string(process) + " 2>&1"}) {
  const auto line = strace_.read_line(5000);
  if (!line || line->find("attached") == line->npos) {
    throw std::runtime_error(line.value_or("no strace"));
  }
}

std::optional<call_numbers> call_tracer::finish() {
  strace_.send_signal(SIGINT);
  const std::set<std::string> receives{"read", "readv", "recvfrom", "recvmsg"};
  const std::set<std::string> sends{"write", "writev", "sendto", "sendmsg"};
  call_numbers made{};
  const auto add = [&](call kind, std::uint64_t n) {
    made[static_cast<std::size_t>(kind)] += n;
  };
  bool any = false;
  // % time     seconds  usecs/call     calls    errors syscall
  while (const auto line = strace_.read_line(5000)) {
    std::istringstream words(*line);
    const std::vector<std::string> columns(std::istream_iterator<std::string>(words),
                                           {});
    if (columns.size() < 5 || columns.size() > 6) continue;
    const std::string& name = columns.back();
    const std::uint64_t n = std::strtoull(columns[3].c_str(), nullptr, 10);
    if (n == 0) continue;
    any = true;
    if (receives.contains(name)) {
      add(call::receive, n);
      if (columns.size() == 6) {
        add(call::refused, std::strtoull(columns[4].c_str(), nullptr, 10));
      }
    }
    if (sends.contains(name)) add(call::send, n);
    if (name.starts_with("epoll_wait") || name.starts_with("epoll_pwait")) {
      add(call::wait, n);
    }
    if (name == "epoll_ctl") add(call::control, n);
    if (name == "timerfd_settime") add(call::timer, n);
  }
  if (!any) return std::nullopt;
  return made;
}

}  // namespace bench
