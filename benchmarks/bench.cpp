// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Measures the echo servers beside it against each other, and the library's own
// operations. What each scenario measures and how is told in benchmarks/README.md.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "json_report.hpp"
#include "net/load.hpp"
#include "net/process.hpp"
#include "progress.hpp"
#include "results.hpp"
#include "scenarios.hpp"

namespace bench {
namespace {

struct contender {
  const char* name;
  const char* program;  ///< beside this one, or in the PATH
  std::vector<std::string> arguments = {};
  const char* packages = nullptr;  ///< of a rival that may be missing
};

// The first is the one that the others are compared with.
const contender echo_servers[] = {
    {"epoll", "echo_epoll"},
    {"threads", "echo_threads"},
    {"aio streams", "echo_aio_streams"},
    {"aio protocol", "echo_aio_protocol"},
    {"Asio callbacks", "echo_asio_callbacks"},
    {"Asio awaitable", "echo_asio_awaitable"},
    {"the same, tuned", "echo_asio_awaitable_tuned"},
    {"libuv", "echo_libuv", {}, "libuv1-dev"},
    {"Go", "echo_go", {}, "golang-go"},
    {"Tokio", "echo_tokio", {}, "cargo librust-tokio-dev"},
    {"asyncio streams",
     "/usr/bin/python3",
     {"echo_asyncio.py", "asyncio", "streams"},
     "python3"},
    {"asyncio protocol",
     "/usr/bin/python3",
     {"echo_asyncio.py", "asyncio", "protocol"},
     "python3"},
    {"uvloop streams",
     "/usr/bin/python3",
     {"echo_asyncio.py", "uvloop", "streams"},
     "python3-uvloop"},
    {"uvloop protocol",
     "/usr/bin/python3",
     {"echo_asyncio.py", "uvloop", "protocol"},
     "python3-uvloop"},
};
const contender udp_servers[] = {{"epoll", "udp_epoll"}, {"aio", "udp_aio"}};
const contender proxies[] = {{"epoll", "proxy_epoll"}, {"aio", "proxy_aio"}};

std::span<const contender> contenders_of(subject what) {
  switch (what) {
    case subject::udp:
      return udp_servers;
    case subject::proxy:
      return proxies;
    default:
      return echo_servers;
  }
}

class server {
 public:
  server(const contender& c, const std::filesystem::path& folder,
         const std::vector<std::string>& arguments = {})
      : name_(c.name),
        process_(folder / c.program, with_paths(folder, c.arguments, arguments),
                 c.packages != nullptr ? child_process::errors::hidden
                                       : child_process::errors::shown),
        port_(read_port(process_)) {}

  const char* name() const { return name_; }
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

  const char* name_;
  child_process process_;
  std::uint16_t port_;
};

class runner {
 public:
  runner(const options& o, std::filesystem::path folder)
      : options_(o),
        folder_(std::move(folder)),
        files_(raise_file_limit()),
        cpus_(plan_cpus()) {}

  /// Returns: whether everything could be measured
  bool run() {
    print_conditions();
    for (const std::string& name : options_.scenarios) {
      progress_.plan(duration_of(name));
    }
    for (const std::string& name : options_.scenarios) {
      if (name == "idle") {
        run_idle();
      } else if (name == "micro") {
        run_micro();
      } else {
        run_load(name, *parse_load(name));
      }
      std::fflush(stdout);
    }
    if (!options_.json.empty()) report_.write_to(options_.json);
    return !failed_;
  }

 private:
  void print_conditions() const {
    if (cpus_) {
      std::printf("servers on CPU %d, load generator on CPU %d\n", cpus_->servers,
                  cpus_->generator);
    } else {
      std::printf("only one CPU: nothing is pinned, and latencies include waiting\n");
    }
#ifndef __OPTIMIZE__
    std::printf("warning: this is not a release build; do not use its numbers\n");
#endif
  }

  static seconds warm_up_of(const load_scenario& s) {
    return seconds(0.1 + 50e-6 * static_cast<double>(s.connections));
  }

  /// One server in one round: connecting, warming up, measuring.
  seconds round_of(const load_scenario& s) const {
    return warm_up_of(s) + seconds(options_.window) +
           seconds(60e-6 * static_cast<double>(s.connections));
  }

  seconds duration_of(const std::string& name) const {
    if (name == "idle") return idle_duration * std::size(echo_servers);
    if (name == "micro") return micro_duration;
    const load_scenario s = *parse_load(name);
    return round_of(s) * options_.rounds *
           static_cast<double>(contenders_of(s.what).size());
  }

  /// Starts a program on the servers' CPU; children inherit where their parent runs.
  template <class Start>
  auto on_servers_cpu(Start start) const {
    if (cpus_) pin_to(cpus_->servers);
    auto started = start();
    if (cpus_) pin_to(cpus_->generator);
    return started;
  }

  /// Starts all servers. Each scenario has fresh ones, so that none profits from
  /// memory which an earlier scenario left behind.
  std::vector<server> start_servers(std::span<const contender> contenders,
                                    const std::vector<std::string>& arguments = {}) {
    std::vector<server> servers;
    for (const contender& c : contenders) {
      try {
        servers.push_back(
            on_servers_cpu([&] { return server(c, folder_, arguments); }));
      } catch (const std::exception& e) {
        if (c.packages == nullptr) {
          throw std::runtime_error(std::string(c.program) + ": " + e.what());
        }
        if (skipped_.insert(c.name).second) {
          std::printf("%s is not measured: it needs %s\n", c.name, c.packages);
        }
      }
    }
    return servers;
  }

  void run_load(const std::string& name, const load_scenario& s) {
    // What a proxy stands before runs beside the generator.
    std::optional<server> target;
    std::vector<std::string> arguments;
    if (s.what == subject::proxy) {
      target.emplace(echo_servers[0], folder_);
      arguments = {"127.0.0.1", "0", "127.0.0.1", std::to_string(target->port())};
    }
    std::vector<server> servers = start_servers(contenders_of(s.what), arguments);
    std::vector<record> records(servers.size());
    for (int round = 0; round < options_.rounds; ++round) {
      for (std::size_t i = 0; i < servers.size(); ++i) {
        progress_.step(name + " round " + std::to_string(round + 1) + " of " +
                           std::to_string(options_.rounds) + ": " + servers[i].name(),
                       round_of(s));
        if (!records[i].failure.empty()) continue;
        try {
          records[i].rounds[round] = measure(servers[i], s);
        } catch (const load_error& e) {
          records[i].failure = servers[i].explain(e.what());
        }
      }
    }
    progress_.clear();
    print_load(name, s, servers, records);
  }

  measurement measure(const server& target, const load_scenario& s) const {
    const auto kind =
        s.what == subject::udp ? socket_kind::datagram : socket_kind::stream;
    echo_clients clients("127.0.0.1", target.port(), s.connections, kind);
    return summarize(clients.run({.size = s.size,
                                  .depth = s.depth,
                                  .warm_up = warm_up_of(s),
                                  .window = seconds(options_.window),
                                  .server = target.pid(),
                                  .spin = cpus_.has_value() && few(s)}));
  }

  // With few requests under way each reply would have to wake the generator, and that
  // wake-up, not the server, would be most of what is measured. With many the generator
  // is rarely idle, and may sleep as clients do.
  static bool few(const load_scenario& s) { return s.connections * s.depth < 10; }

  void print_load(const std::string& name, const load_scenario& s,
                  const std::vector<server>& servers,
                  const std::vector<record>& records) {
    std::printf("\n%s: %zu connection%s, %zu bytes, %zu request%s under way on each\n",
                name.c_str(), s.connections, s.connections == 1 ? "" : "s", s.size,
                s.depth, s.depth == 1 ? "" : "s");
    std::printf(
        "server             requests/s    p50 µs    p99 µs  CPU µs/request  CPU / "
        "epoll  "
        "busy\n");
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const record& r = records[i];
      if (!r.rounds.empty()) {
        std::printf("%-17s %11.0f %9.1f %9.1f %15.2f %12s %4.0f%%\n", servers[i].name(),
                    r.median_of(&measurement::requests_per_second),
                    r.median_of(&measurement::p50), r.median_of(&measurement::p99),
                    r.median_of(&measurement::cpu),
                    ratio_text(cpu_ratio(r, records[0])).c_str(),
                    100 * r.median_of(&measurement::busy));
        report(name, servers[i].name(), r, records[0]);
      }
      if (!r.failure.empty()) report_failure(servers[i].name(), r.failure);
    }
    compare_threads_with_streams(servers, records);
  }

  void report(const std::string& scenario, const char* who, const record& r,
              const record& epoll) {
    const std::vector<double> ratios = cpu_ratios(r, epoll);
    if (ratios.empty()) return;
    report_.add(
        scenario,
        {who,
         {{"requests_per_second", r.median_of(&measurement::requests_per_second)},
          {"p50_us", r.median_of(&measurement::p50)},
          {"p99_us", r.median_of(&measurement::p99)},
          {"p999_us", r.median_of(&measurement::p999)},
          {"cpu_us", r.median_of(&measurement::cpu)},
          {"cpu_ratio", median(ratios)},
          {"cpu_ratio_least", *std::min_element(ratios.begin(), ratios.end())},
          {"cpu_ratio_most", *std::max_element(ratios.begin(), ratios.end())},
          {"busy", r.median_of(&measurement::busy)}}});
  }

  static void compare_threads_with_streams(const std::vector<server>& servers,
                                           const std::vector<record>& records) {
    const record *left = nullptr, *right = nullptr;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const std::string_view name = servers[i].name();
      if (name == "threads") left = &records[i];
      if (name == "aio streams") right = &records[i];
    }
    if (left == nullptr || right == nullptr) return;
    if (const auto ratio = cpu_ratio(*left, *right)) {
      std::printf("thread-per-connection costs %.2f x the CPU of aio streams\n",
                  *ratio);
    }
  }

  void report_failure(const char* who, const std::string& why) {
    std::printf("%-17s failed: %s\n", who, why.c_str());
    failed_ = true;
  }

  void run_idle() {
    // Both ends need a descriptor for each connection, and some for themselves.
    const std::size_t count =
        std::min(idle_connections, files_ > 200 ? files_ - 100 : 100);
    std::printf("\nidle: %zu connections, each after one echo\n", count);
    if (count < idle_connections) {
      std::printf("(fewer than %zu: the limit of open files is %zu)\n",
                  idle_connections, files_);
    }
    std::printf("server            bytes/connection   before, KiB   after, KiB\n");
    for (server& s : start_servers(echo_servers)) {
      progress_.step(std::string("idle: ") + s.name(), idle_duration);
      try {
        const std::size_t before = private_memory(s.pid());
        const echo_clients clients("127.0.0.1", s.port(), count);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        const std::size_t after = private_memory(s.pid());
        progress_.clear();
        const double growth = static_cast<double>(after) - static_cast<double>(before);
        std::printf("%-17s %16.0f %13zu %12zu\n", s.name(),
                    growth / static_cast<double>(count), before / 1024, after / 1024);
        report_.add("idle",
                    {s.name(), {{"bytes", growth / static_cast<double>(count)}}});
      } catch (const std::exception& e) {
        progress_.clear();
        report_failure(s.name(), s.explain(e.what()));
      }
    }
  }

  void run_micro() {
    std::printf("\nmicro: one loop, no sockets\n");
    const std::filesystem::path program = folder_ / "micro";
    if (!std::filesystem::exists(program)) {
      std::printf("not built (it needs Google Benchmark: libbenchmark-dev)\n");
      return;
    }
    progress_.step("micro", micro_duration);
    // Google Benchmark describes the machine on standard error, which `bench` has done.
    child_process micro = on_servers_cpu([&] {
      return child_process(program,
                           {"--benchmark_format=csv", "--benchmark_min_time=0.05",
                            "--benchmark_repetitions=5"},
                           child_process::errors::hidden);
    });
    bool header = false;
    while (const auto line = micro.read_line()) {
      if (const auto row = parse_micro_median(*line)) {
        progress_.clear();
        if (!std::exchange(header, true)) std::printf("%-44s CPU ns\n", "operation");
        std::printf("%-42s %8.1f\n", row->first.c_str(), row->second);
        report_.add("micro", {row->first, {{"ns", row->second}}});
      }
    }
    progress_.clear();
    if (const std::string fate = micro.join(); fate != "exit code 0") {
      report_failure("micro", fate + "; run it by itself to see why");
    }
  }

  static constexpr std::size_t idle_connections = 10'000;
  static constexpr seconds idle_duration{1.5};
  static constexpr seconds micro_duration{6};

  options options_;
  std::filesystem::path folder_;
  std::size_t files_;
  std::optional<cpu_plan> cpus_;
  progress progress_;
  std::set<std::string_view> skipped_;
  json_report report_;
  bool failed_ = false;
};

constexpr const char* usage =
    "usage: bench [SCENARIO...] [--rounds N] [--seconds S] [--json FILE] [--list]\n"
    "  --rounds N    how often each server is measured (default 5)\n"
    "  --seconds S   how long each time (default 1.0)\n"
    "  --json FILE   write the results there as well, for plot.py and other programs\n"
    "  --list        show the scenarios and exit\n";

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--list") return bench::print_list(), 0;
    if (arg == "--help" || arg == "-h") return std::printf("%s", bench::usage), 0;
  }
  try {
    const auto self = std::filesystem::read_symlink("/proc/self/exe");
    bench::runner runner(bench::parse_arguments(argc, argv), self.parent_path());
    return runner.run() ? 0 : 1;
  } catch (const bench::usage_error& e) {
    std::fprintf(stderr, "bench: %s\n%s", e.what(), bench::usage);
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 1;
  }
}
