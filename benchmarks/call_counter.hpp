// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// How many calls a server makes: what net/count_calls.cpp counts in it, or strace.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "net/call_counts.hpp"
#include "net/process.hpp"
#include "net/unique_fd.hpp"

namespace bench {

/// Counts in servers that are started with its environment.
class call_counter {
 public:
  /// Takes:  folder – where libcount_calls.so is
  /// Throws: std::system_error – there is no memory for the page
  explicit call_counter(const std::filesystem::path& folder);
  ~call_counter();
  call_counter(const call_counter&) = delete;
  call_counter& operator=(const call_counter&) = delete;

  /// Returns: whether the library is there (it is not in builds with sanitizers)
  bool works() const;
  child_process::variables environment() const;
  call_numbers numbers() const { return page_->numbers(); }

 private:
  std::filesystem::path library_;
  unique_fd file_;
  const call_page* page_ = nullptr;
};

/// strace on a process that runs, from construction to finish().
class call_tracer {
 public:
  /// Throws: std::runtime_error – strace is not there, or may not do it
  explicit call_tracer(pid_t process);

  /// Returns: the calls; nothing when strace did not tell
  std::optional<call_numbers> finish();

 private:
  child_process strace_;
};

}  // namespace bench
