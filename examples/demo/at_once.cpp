// Things that happen at the same time: greet and pipeline.
//
// SPDX-License-Identifier: BSL-1.0

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "parts.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace demo {
namespace {

using seconds = std::chrono::duration<double>;

class stopwatch {
 public:
  seconds time() const { return aio::get_running_loop().time() - start_; }

 private:
  aio::time_point start_ = aio::get_running_loop().time();
};

aio::coro<> greet_one(screen& out, const stopwatch& watch, std::string name,
                      milliseconds delay) {
  co_await aio::sleep(delay);
  out.line(fmt::format("  {:.2f} s   Hello, {}!", watch.time().count(), name));
}

// The way of one page: when each step was over, in seconds since the start.
struct page {
  std::string path;
  milliseconds delay;
  seconds fetched{};
  seconds processed{};
};

// A server that answers `/NAME DELAY` after so many milliseconds.
aio::coro<> answer_late(aio::stream_reader reader, aio::stream_writer writer) {
  const std::string request = co_await reader.readline();
  const std::size_t delay = request.find(' ');
  if (delay == std::string::npos) co_return;
  co_await aio::sleep(milliseconds(std::stoi(request.substr(delay))));
  writer.write("<html>" + request.substr(0, delay) + "</html>");
}

aio::coro<> fetch_and_process(const stopwatch& watch, std::uint16_t port, page& one,
                              milliseconds work) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  writer.write(fmt::format("{} {}\n", one.path, one.delay.count()));
  const std::string html = co_await reader.read();
  if (html != "<html>" + one.path + "</html>") {
    throw std::runtime_error("the server answered: " + html);
  }
  one.fetched = watch.time();
  co_await aio::sleep(work);
  one.processed = watch.time();
}

// A line per page: name, what is fetched as one bar, what is processed as another.
std::vector<std::string> timeline(const screen& out, const std::vector<page>& pages,
                                  seconds now, seconds scale) {
  const auto column = [&](seconds time) {
    return static_cast<std::size_t>(std::min(time, scale) / scale * 48);
  };
  std::vector<std::string> lines;
  for (const page& one : pages) {
    const bool is_fetched = one.fetched > 0s;
    const bool is_processed = one.processed > 0s;
    const seconds end_of_fetch = is_fetched ? one.fetched : now;
    const seconds end = is_processed ? one.processed : now;
    const std::size_t fetching = column(end_of_fetch);
    const std::size_t both = std::max(column(end), fetching);
    std::string text = fmt::format("  {:<8}|", one.path);
    text += out.bar(color::blue, fetching) + out.bar(color::green, both - fetching);
    text += std::string(48 - both, ' ') + "| ";
    if (is_processed) {
      text += fmt::format("{:.2f} s", one.processed.count());
    } else {
      text += is_fetched ? "processing" : "fetching";
    }
    lines.push_back(text);
  }
  return lines;
}

}  // namespace

aio::coro<> greet(screen& out) {
  out.heading(1, "Three coroutines at once");
  out.line(out.faint(
      "  co_await aio::gather(greet(\"Alice\", 0.8s), greet(\"Bob\", 0.4s),"));
  out.line(out.faint("                       greet(\"Charlie\", 1.2s));"));
  out.line();
  co_await out.pause(700ms);
  const stopwatch watch;
  co_await aio::gather(greet_one(out, watch, "Alice", out.tempo(800ms)),
                       greet_one(out, watch, "Bob", out.tempo(400ms)),
                       greet_one(out, watch, "Charlie", out.tempo(1200ms)));
  co_await out.pause(800ms);
}

aio::coro<> pipeline(screen& out) {
  out.heading(2, "Fetch three pages over TCP and process each, all at the same time");
  std::vector<page> pages;
  for (const auto& [path, delay] :
       {std::pair("/news", 900ms), std::pair("/maps", 1700ms),
        std::pair("/mail", 400ms)}) {
    pages.push_back({path, out.tempo(delay)});
  }
  const milliseconds work = out.tempo(800ms);
  const auto server = co_await aio::start_server(answer_late, "127.0.0.1", 0);

  const stopwatch watch;
  std::vector<aio::coro<>> ways;
  for (page& one : pages) {
    ways.push_back(fetch_and_process(watch, server.port(), one, work));
  }
  auto all = aio::gather(std::move(ways));
  const seconds scale = out.tempo(2500ms);
  while (!all.done()) {
    out.draw(timeline(out, pages, watch.time(), scale), false);
    co_await aio::sleep(20ms);
  }
  co_await all;

  const auto by_end = [](const page& a, const page& b) {
    return a.processed < b.processed;
  };
  const seconds slowest = std::ranges::max_element(pages, by_end)->processed;
  seconds sum{};
  for (const page& one : pages) sum += one.processed;
  auto lines = timeline(out, pages, slowest, slowest);
  lines.push_back(fmt::format("          {} fetching  {} processing",
                              out.bar(color::blue, 2), out.bar(color::green, 2)));
  out.draw(lines, true);
  out.line();
  out.line(
      fmt::format("  In total {} like the slowest; one by one it had been {:.2f} s.",
                  out.strong(fmt::format("{:.2f} s,", slowest.count())), sum.count()));
  co_await out.pause(1000ms);
}

}  // namespace demo
