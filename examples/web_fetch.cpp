// web_fetch: gets web pages with aio::http, first one after the other, then all at once
// with a line for each that shows how far it is, and prints what came in the order of the
// URLs.
//
//   $ web_fetch https://example.org/ https://www.debian.org/
//
// Without URLs it asks a little server of its own, which takes its time to answer. The
// lines that move are shown on terminals only. The exit code is 1 if a page could not be
// fetched.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/http.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/program.hpp"

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

// How far one page is.
struct page {
  std::string url;
  std::size_t received = 0;
  std::optional<std::size_t> size = {};  // if the server says it
  std::string status = "waiting";
  bool has_failed = false;
  seconds taken{0};
};

std::optional<std::size_t> parse_size(std::string_view digits) {
  std::size_t size = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return size;
}

// [fetch]
aio::coro<> fetch(aio::http::client_session& session, page& of) {
  const auto start = aio::get_running_loop().time();
  try {
    auto resp = co_await session.get(of.url);
    of.status = fmt::format("{} {}", resp.status(), resp.reason());
    if (auto length = resp.headers().get("Content-Length"))
      of.size = parse_size(*length);
    while (auto piece = co_await resp.chunk()) of.received += piece->size();
  } catch (const std::exception& error) {  // it concerns this page only
    of.status = error.what();
    of.has_failed = true;
  }
  of.taken = aio::get_running_loop().time() - start;
}
// [/fetch]

std::string line_of(const page& of) {
  if (of.has_failed) return fmt::format("{}  {}", of.url, of.status);
  return fmt::format("{:<13} {:>8} bytes {:5.2f} s  {}", of.status, of.received,
                     of.taken.count(), of.url);
}

// Draws a bar for each page, again and again, over what it drew before.
aio::coro<> show_progress(const std::vector<page>& pages) {
  for (bool is_first = true;; is_first = false) {
    std::string screen;
    if (!is_first) screen += fmt::format("\x1b[{}A", pages.size());
    for (const page& one : pages) {
      const std::size_t width = 30;
      const double part =
          one.size && *one.size > 0
              ? static_cast<double>(one.received) / static_cast<double>(*one.size)
              : 0;
      const auto full = static_cast<std::size_t>(std::min(part, 1.0) * width);
      screen += fmt::format("\x1b[2K[{:<{}}] {:>9} {}\n", std::string(full, '#'), width,
                            one.received, one.url);
    }
    fmt::print("{}", screen);
    std::fflush(stdout);
    co_await aio::sleep(50ms);
  }
}

aio::coro<> fetch_all(aio::http::client_session& session, std::vector<page>& pages) {
  std::vector<aio::coro<>> fetches;
  for (page& one : pages) fetches.push_back(fetch(session, one));
  co_await aio::gather(std::move(fetches));
}

aio::coro<bool> fetch_both_ways(std::vector<std::string> urls) {
  const auto& loop = aio::get_running_loop();
  std::vector<page> pages;
  for (std::string& url : urls) pages.push_back({std::move(url)});
  aio::http::client_session session({.timeout = {.total = 30s}, .force_close = true});

  fmt::print("One after the other:\n");
  const auto start = loop.time();
  std::vector<page> first = pages;
  for (page& one : first) {
    co_await fetch(session, one);
    fmt::print("  {}\n", line_of(one));
  }
  const auto middle = loop.time();
  fmt::print("  {:.2f} s in total\n", seconds(middle - start).count());

  fmt::print("All at once:\n");
  std::fflush(stdout);
  aio::task<> progress;
  if (::isatty(STDOUT_FILENO) == 1) {
    progress = aio::create_task(show_progress, std::cref(pages));
  }
  co_await fetch_all(session, pages);
  const seconds taken = loop.time() - middle;
  if (progress) progress.cancel();
  for (const page& one : pages) fmt::print("  {}\n", line_of(one));
  fmt::print("  {:.2f} s in total, {:.1f} times as fast\n", taken.count(),
             seconds(middle - start) / taken);
  co_await session.close();
  const auto failed = [](const page& one) { return one.has_failed; };
  co_return std::ranges::none_of(pages, failed);
}

// The server for those who give no URLs: /300 sends ten pieces within 300 ms.
aio::coro<aio::web::response> drip(aio::web::request& req) {
  const auto pause = std::chrono::milliseconds(req.match<int>("delay")) / 10;
  aio::web::stream_response resp;
  resp.set_content_length(10'000);
  co_await resp.prepare(req);
  for (int i = 0; i < 10; ++i) {
    co_await aio::sleep(pause);
    co_await resp.write(std::string(1000, '.'));
  }
  co_return resp;
}

aio::coro<int> amain(std::vector<std::string> urls) {
  if (!urls.empty()) {
    const bool all_came = co_await fetch_both_ways(std::move(urls));
    co_return all_came ? 0 : 1;
  }
  aio::web::application app;
  app.get("/{delay}", drip);
  aio::web::app_runner runner(std::move(app));
  co_await runner.setup();
  aio::web::tcp_site site(runner, "127.0.0.1", 0);
  co_await site.start();
  for (const int delay : {300, 200, 100}) {
    urls.push_back(fmt::format("{}/{}", site.name(), delay));
  }
  const bool all_came = co_await fetch_both_ways(std::move(urls));
  co_await runner.cleanup();
  co_return all_came ? 0 : 1;
}

int main(int argc, char** argv) {
  std::vector<std::string> urls(argv + 1, argv + argc);
  if (!urls.empty() && urls[0].starts_with('-')) {
    support::exit_with_usage(argv[0], "[URL...]");
  }
  return support::run(argv[0], amain(std::move(urls)));
}
