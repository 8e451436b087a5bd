// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What all scenarios of one run of `bench` share.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "contenders.hpp"
#include "json_report.hpp"
#include "net/process.hpp"
#include "progress.hpp"
#include "scenarios.hpp"

namespace bench {

/// A server that listens.
class server {
 public:
  /// Throws: std::runtime_error – it does not start
  server(const contender& c, const std::filesystem::path& folder,
         const std::vector<std::string>& arguments = {},
         const child_process::variables& environment = {})
      : what_(c),
        process_(program_of(c, folder), with_paths(folder, c.arguments, arguments),
                 c.packages != nullptr ? child_process::errors::hidden
                                       : child_process::errors::shown,
                 environment),
        port_(read_port(process_)) {}

  const contender& what() const { return what_; }
  const char* name() const { return what_.name; }
  pid_t pid() const { return process_.pid(); }
  std::uint16_t port() const { return port_; }

  /// Returns: `problem`, and if the server is no longer there, what became of it
  std::string explain(const std::string& problem) {
    // A server that was killed closes its sockets a little before it is gone.
    for (int i = 0; i < 20 && process_.fate().empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::string fate = process_.fate();
    return fate.empty() ? problem : "the server is gone: " + fate + "; " + problem;
  }

 private:
  static std::filesystem::path program_of(const contender& c,
                                          const std::filesystem::path& folder) {
    const std::filesystem::path program = folder / c.program;
    // Otherwise a program that is not built would be a failure of exec.
    if (!std::filesystem::exists(program)) throw std::runtime_error("not there");
    return program;
  }

  /// Scripts are beside this program, too.
  static std::vector<std::string> with_paths(const std::filesystem::path& folder,
                                             std::vector<std::string> all,
                                             const std::vector<std::string>& more) {
    for (std::string& one : all) {
      if (one.ends_with(".py")) one = folder / one;
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  contender what_;
  child_process process_;
  std::uint16_t port_;
};

struct session {
  session(const options& o, std::filesystem::path programs)
      : wanted(o),
        folder(std::move(programs)),
        files(raise_file_limit()),
        cpus(plan_cpus()) {}

  const options wanted;
  const std::filesystem::path folder;  ///< where the programs are
  const std::size_t files;             ///< the limit of open files
  const std::optional<cpu_plan> cpus;
  progress shown;
  json_report report;
  bool failed = false;

  /// Starts a program on the servers' CPU; children inherit where their parent runs.
  template <class Start>
  auto on_servers_cpu(Start start) const {
    if (cpus) pin_to(cpus->servers);
    // Whatever start throws, this process goes back to its CPU.
    struct back {
      const std::optional<cpu_plan>& to;
      ~back() {
        if (to) pin_to(to->generator);
      }
    } const go_back{cpus};
    return start();
  }

  /// Starts all of these that there are. Each scenario has fresh ones, so that none
  /// profits from memory which an earlier scenario left behind.
  std::vector<server> start_servers(std::span<const contender> contenders,
                                    const std::vector<std::string>& arguments = {}) {
    std::vector<server> servers;
    for (const contender& c : contenders) {
      try {
        servers.push_back(on_servers_cpu([&] { return server(c, folder, arguments); }));
      } catch (const std::exception& e) {
        if (c.packages == nullptr) {
          throw std::runtime_error(std::string(c.program) + ": " + e.what());
        }
        if (skipped_.insert(c.name).second) {
          shown.clear();
          std::printf("%s is not measured: it needs %s\n", c.name, c.packages);
        }
      }
    }
    return servers;
  }

  void fail(const char* who, const std::string& why) {
    std::printf("%-17s failed: %s\n", who, why.c_str());
    failed = true;
  }

  /// Returns: `connections`, or as many as there are descriptors for at each end; says
  ///          so when these are fewer
  std::size_t within_limit(std::size_t connections, std::size_t descriptors_each = 1) {
    const std::size_t most = files > 200 ? (files - 100) / descriptors_each : 100;
    if (connections <= most) return connections;
    shown.clear();
    std::printf("(%zu connections, not %zu: the limit of open files is %zu)\n", most,
                connections, files);
    return most;
  }

 private:
  std::set<std::string_view> skipped_;
};

}  // namespace bench
