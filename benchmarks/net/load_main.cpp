// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The load generator by hand: puts any echo server under load and checks its replies.
//
//   $ ./echo_threads 127.0.0.1 7777 &
//   listening on 127.0.0.1:7777
//   $ ./load 127.0.0.1 7777 --connections 50 --size 64 --pid $!

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "churn.hpp"
#include "load.hpp"
#include "process.hpp"

namespace {

constexpr const char* usage =
    "usage: load HOST PORT [--connections N] [--size BYTES] [--depth N] [--seconds S]\n"
    "            [--requests N] [--pid SERVER] [--as echo|lines|churn|tls|udp]\n"
    "            [--wait asleep|awake]\n"
    "  --requests  so many and no more, instead of as many as fit into the time\n"
    "  --pid       to see the CPU time of this process\n"
    "  --as        what the server does (default echo); churn: clients that leave "
    "after\n"
    "              one request, which is then a connection\n"
    "  --wait      for replies, awake: on a CPU of its own, all the time\n";

template <class Number>
Number parse(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end || !(value > 0)) {
    throw std::invalid_argument("not a positive number: " + std::string(text));
  }
  return value;
}

struct arguments {
  std::string host;
  std::uint16_t port = 0;
  std::size_t connections = 1;
  bench::load_options options;
  std::string kind = "echo";
};

arguments parse_arguments(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) throw std::invalid_argument("HOST and PORT, please");
  arguments a;
  a.host = argv[1];
  a.port = parse<std::uint16_t>(argv[2]);
  for (int i = 3; i < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    if (name == "--connections") {
      a.connections = parse<std::size_t>(value);
    } else if (name == "--size") {
      a.options.size = parse<std::size_t>(value);
    } else if (name == "--depth") {
      a.options.depth = parse<std::size_t>(value);
    } else if (name == "--seconds") {
      a.options.window = bench::seconds(parse<double>(value));
    } else if (name == "--requests") {
      a.options.requests = parse<std::uint64_t>(value);
    } else if (name == "--pid") {
      a.options.server = parse<pid_t>(value);
    } else if (name == "--as") {
      a.kind = value;
    } else if (name == "--wait" && (value == "asleep" || value == "awake")) {
      a.options.spin = value == "awake";
    } else {
      throw std::invalid_argument("unknown option: " + std::string(name));
    }
  }
  return a;
}

bench::load_report run(const arguments& a) {
  if (a.kind == "churn") {
    return bench::churn_clients(a.host, a.port, a.connections).run(a.options);
  }
  auto kind = bench::socket_kind::stream;
  if (a.kind == "tls") {
    kind = bench::socket_kind::tls;
  } else if (a.kind == "udp") {
    kind = bench::socket_kind::datagram;
  } else if (a.kind != "echo" && a.kind != "lines") {
    throw std::invalid_argument("unknown kind of server: " + a.kind);
  }
  const std::size_t line = a.kind == "lines" ? a.options.size : 0;
  return bench::echo_clients(a.host, a.port, a.connections, kind, line).run(a.options);
}

void print(const bench::load_report& report) {
  const auto requests = static_cast<double>(report.requests);
  std::printf("%.0f requests/s, p50 %.1f µs, p99 %.1f µs, p99.9 %.1f µs",
              requests / report.wall_seconds, report.latency.quantile(0.5) / 1e3,
              report.latency.quantile(0.99) / 1e3,
              report.latency.quantile(0.999) / 1e3);
  if (report.cpu_seconds > 0) {
    std::printf(", server CPU %.2f µs per request",
                report.cpu_seconds / requests * 1e6);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const arguments a = parse_arguments(argc, argv);
    bench::raise_file_limit();
    print(run(a));
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "load: %s\n%s", e.what(), usage);
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "load: %s\n", e.what());
    return 1;
  }
}
