// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "load_run.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "call_counter.hpp"
#include "net/churn.hpp"
#include "net/load.hpp"
#if BENCH_TLS
#include "net/secure_link.hpp"
#endif

namespace bench {
namespace {

/// What a server of a scenario needs besides itself, and its arguments.
class surroundings {
 public:
  surroundings(session& in, const load_scenario& s) {
    if (s.what == subject::proxy) {
      // What a proxy stands before runs beside the generator.
      target_.emplace(echo_servers().front(), in.folder);
      arguments_ = {"127.0.0.1", "0", "127.0.0.1", std::to_string(target_->port())};
    }
#if BENCH_TLS
    if (s.what == subject::tls) {
      identity_.emplace();
      arguments_ = {"127.0.0.1", "0", identity_->certificate(), identity_->key()};
    }
#endif
  }

  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  std::optional<server> target_;
#if BENCH_TLS
  std::optional<temporary_certificate> identity_;
#endif
  std::vector<std::string> arguments_;
};

// At least once round: every connection has had its turn, and what is under way from
// the start (which may be hundreds of megabytes) has passed.
seconds warm_up_of(const session& in, const load_scenario& s) {
  const auto connections = static_cast<double>(s.connections);
  const double bytes = connections * static_cast<double>(s.size * s.depth);
  return seconds(std::min(0.1, in.wanted.window) + 50e-6 * connections + 3e-9 * bytes);
}

seconds connecting(const load_scenario& s) {
  const double each = s.what == subject::tls     ? 2e-3
                      : s.what == subject::churn ? 0
                                                 : 60e-6;
  return seconds(each * static_cast<double>(s.connections));
}

// What is under way when it begins and when it ends must be little beside what is
// counted; under strace a server is several times slower.
seconds counting_window(const session& in, const load_scenario& s, const contender& c) {
  const double bytes = static_cast<double>(s.connections * s.size * s.depth);
  const double usual = c.seen == calls::traced ? 1.0 : 0.2;
  return seconds(std::min(usual, in.wanted.window) + 10e-9 * bytes);
}

/// One server in one round: connecting, warming up, measuring.
seconds round_of(const session& in, const load_scenario& s) {
  return connecting(s) + warm_up_of(in, s) + seconds(in.wanted.window);
}

constexpr seconds starting{0.1};
constexpr seconds tracing{1.0};

seconds counting_of(const session& in, const load_scenario& s, const contender& c) {
  return starting + connecting(s) + warm_up_of(in, s) + counting_window(in, s, c) +
         (c.seen == calls::traced ? tracing : seconds(0));
}

// With few requests under way each reply would have to wake the generator, and that
// wake-up, not the server, would be most of what is measured. With many the generator
// is rarely idle, and may sleep as clients do.
bool few(const load_scenario& s) { return s.connections * s.depth < 10; }

load_options options_for(const session& in, const load_scenario& s, const server& to) {
  return {.size = s.size,
          .depth = s.depth,
          .warm_up = warm_up_of(in, s),
          .window = seconds(in.wanted.window),
          .server = to.pid(),
          .spin = in.cpus.has_value() && few(s)};
}

/// Puts a server under load.
///
/// Takes: all_are_there – called with all clients connected
load_report apply_load(const load_scenario& s, std::uint16_t port,
                       const load_options& options,
                       const std::function<void()>& all_are_there = nullptr) {
  if (s.what == subject::churn) {
    return churn_clients("127.0.0.1", port, s.connections).run(options);
  }
  const auto kind = s.what == subject::udp   ? socket_kind::datagram
                    : s.what == subject::tls ? socket_kind::tls
                                             : socket_kind::stream;
  const std::size_t line = s.what == subject::lines ? s.size : 0;
  echo_clients clients("127.0.0.1", port, s.connections, kind, line);
  const load_report report = clients.run(options);
  if (all_are_there) all_are_there();
  return report;
}

double memory_of(const server& one) {
  return static_cast<double>(private_memory(one.pid()));
}

void measure_round(session& in, const load_scenario& s, int round, server& to,
                   record& r) {
  try {
    // Later rounds find the memory that the first made the server take.
    const bool first = !r.memory;
    const double before = first ? memory_of(to) : 0;
    const load_report report = apply_load(s, to.port(), options_for(in, s, to), [&] {
      if (!first) return;
      r.memory = (memory_of(to) - before) / static_cast<double>(s.connections);
    });
    r.rounds[round] = summarize(report);
  } catch (const std::exception& e) {
    r.failure = to.explain(e.what());
  }
}

call_rates per_request(const call_numbers& begin, const call_numbers& end,
                       const load_report& report, calls seen) {
  call_rates rates;
  for (std::size_t i = 0; i < call_kinds; ++i) {
    rates.of[i] =
        static_cast<double>(end[i] - begin[i]) / static_cast<double>(report.requests);
  }
  rates.memory = seen == calls::visible;
  return rates;
}

/// Counts the calls of a fresh server in a short run of its own, which is not timed.
///
/// Returns: nothing when they cannot be counted here
std::optional<call_rates> count_calls(const session& in, const load_scenario& s,
                                      const contender& c,
                                      const std::vector<std::string>& arguments) {
  const bool traced = c.seen == calls::traced;
  const call_counter counter(in.folder);
  if (!traced && !counter.works()) return {};
  const server to = in.on_servers_cpu([&] {
    return server(c, in.folder, arguments,
                  traced ? child_process::variables{} : counter.environment());
  });
  load_options options = options_for(in, s, to);
  options.window = counting_window(in, s, c);
  call_numbers begin{};
  call_numbers end{};
  std::optional<call_tracer> tracer;
  options.window_begins = [&] {
    traced ? void(tracer.emplace(to.pid())) : void(begin = counter.numbers());
  };
  options.window_ends = [&] {
    if (!traced) {
      end = counter.numbers();
    } else if (const auto counted = tracer->finish()) {
      end = *counted;
    }
  };
  const load_report report = apply_load(s, to.port(), options);
  if (end == begin) return {};
  return per_request(begin, end, report, c.seen);
}

std::vector<named_record> empty_records(const std::vector<server>& servers) {
  std::vector<named_record> records;
  for (const server& one : servers) records.push_back({one.name(), {}});
  return records;
}

}  // namespace

seconds duration_of(const session& in, const load_scenario& s,
                    std::span<const contender> contenders) {
  seconds all{0};
  for (const contender& c : contenders) {
    all += starting + round_of(in, s) * in.wanted.rounds + counting_of(in, s, c);
  }
  return all;
}

load_scenario fitting(session& in, const load_scenario& s,
                      std::span<const contender> contenders) {
  if (s.what == subject::churn) return s;
  load_scenario fits = s;
  // A proxy has two sockets, and Go's a pipe for each direction.
  fits.connections = in.within_limit(s.connections, s.what == subject::proxy ? 6 : 1);
  in.shown.plan(duration_of(in, fits, contenders) - duration_of(in, s, contenders));
  return fits;
}

std::vector<named_record> measure(session& in, const std::string& name,
                                  const load_scenario& s,
                                  std::span<const contender> contenders) {
  const surroundings with(in, s);
  in.shown.step(name + ": starting", starting * static_cast<double>(contenders.size()));
  std::vector<server> servers = in.start_servers(contenders, with.arguments());
  // Those that are not there take no time.
  for (const contender& c : contenders) {
    const auto is_it = [&](const server& one) {
      return one.name() == std::string_view(c.name);
    };
    if (std::ranges::none_of(servers, is_it)) {
      in.shown.plan(-(round_of(in, s) * in.wanted.rounds + counting_of(in, s, c)));
    }
  }
  std::vector<named_record> records = empty_records(servers);
  for (int round = 0; round < in.wanted.rounds; ++round) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      in.shown.step(name + " round " + std::to_string(round + 1) + " of " +
                        std::to_string(in.wanted.rounds) + ": " + servers[i].name(),
                    round_of(in, s));
      record& r = records[i].measured;
      if (r.failure.empty()) measure_round(in, s, round, servers[i], r);
    }
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const contender& c = servers[i].what();
    in.shown.step(name + " counting calls: " + servers[i].name(),
                  counting_of(in, s, c));
    if (!records[i].measured.failure.empty()) continue;
    try {
      records[i].measured.calls = count_calls(in, s, c, with.arguments());
    } catch (const std::exception&) {
      // What cannot be counted has no numbers; what was measured stays.
    }
  }
  in.shown.clear();
  return records;
}

void run_load(session& in, const std::string& name, const load_scenario& wanted) {
#if !BENCH_TLS
  if (wanted.what == subject::tls) {
    std::printf("\n%s: not built (it needs OpenSSL: libssl-dev)\n", name.c_str());
    return;
  }
#endif
  const std::vector<contender> contenders = contenders_of(wanted);
  const load_scenario s = fitting(in, wanted, contenders);
  const std::vector<named_record> records = measure(in, name, s, contenders);
  print_load(name, s, records);
  for (const auto& [who, r] : records) {
    if (!r.failure.empty()) in.fail(who, r.failure);
  }
  for (json_row& row : rows_of(records)) in.report.add(name, std::move(row));
}

}  // namespace bench
