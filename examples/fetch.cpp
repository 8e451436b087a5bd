// fetch: gets web pages over plain http, first one after the other, then all at once,
// and prints what came and how long each way took.
//
//   $ fetch http://example.com/ http://example.org:8080/page
//
// Without URLs it asks a little server of its own, which takes its time to answer. The
// exit code is 1 if a page could not be fetched.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/program.hpp"

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

struct url {
  std::string text, authority, host, path;
  std::uint16_t port = 80;
};

// http://HOST[:PORT][/PATH][?QUERY], where HOST may be [IPv6].
url parse_url(const std::string& text) {
  const auto is_odd = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '@'; };
  if (text.starts_with("https:")) throw std::invalid_argument("only http, not https");
  if (!text.starts_with("http://") || std::ranges::any_of(text, is_odd)) {
    throw std::invalid_argument("not a URL of the form http://HOST[:PORT]/PATH");
  }
  const std::string rest = text.substr(7, text.find('#') - 7);
  const std::size_t path_at = std::min(rest.find_first_of("/?"), rest.size());
  url parsed;
  parsed.text = text;
  parsed.authority = parsed.host = rest.substr(0, path_at);
  parsed.path = rest.substr(path_at);
  if (!parsed.path.starts_with('/')) parsed.path.insert(0, "/");

  if (const auto colon = parsed.host.rfind(':');
      colon != std::string::npos && !parsed.host.ends_with(']')) {
    const auto port = support::parse_port(parsed.host.substr(colon + 1));
    if (!port || *port == 0) throw std::invalid_argument("a port is 1 to 65535");
    parsed.port = *port;
    parsed.host.resize(colon);
  }
  if (parsed.host.starts_with('[') && parsed.host.ends_with(']')) {
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  }
  if (parsed.host.empty()) throw std::invalid_argument("a URL without a host");
  return parsed;
}

std::size_t parse_size(std::string_view digits, int base) {
  std::size_t size = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), size, base);
  if (error != std::errc()) throw std::runtime_error("a size that is no number");
  return size;
}

// The value of a field in `head`, which is all in lower case; empty if it is not there.
std::string_view field(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(fmt::format("\r\n{}:", name));
  if (at == std::string_view::npos) return {};
  std::string_view value = head.substr(at + name.size() + 3);
  value = value.substr(0, value.find('\r'));
  return value.substr(std::min(value.find_first_not_of(' '), value.size()));
}

constexpr std::size_t to_the_end = std::numeric_limits<std::size_t>::max();

// Reads `size` bytes, or all until the end, and returns how many there were.
aio::coro<std::size_t> count_bytes(aio::stream_reader reader, std::size_t size) {
  std::size_t count = 0;
  while (count < size) {
    const auto data = co_await reader.read(std::min<std::size_t>(size - count, 65536));
    if (data.empty()) break;
    count += data.size();
  }
  if (count < size && size != to_the_end)
    throw std::runtime_error("only half an answer");
  co_return count;
}

aio::coro<std::size_t> count_chunks(aio::stream_reader reader) {
  for (std::size_t size = 0;;) {
    const std::string head = co_await reader.readuntil("\r\n");
    const std::size_t chunk = parse_size(head, 16);
    if (chunk == 0) co_return size;
    co_await count_bytes(reader, chunk);
    co_await reader.readuntil("\r\n");
    size += chunk;
  }
}

// Fetches a page and returns what to tell about it.
aio::coro<std::string> get(url from) {
  auto [reader, writer] = co_await aio::open_connection(from.host, from.port);
  writer.write(
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: aio-fetch\r\n"
                  "Accept: */*\r\nConnection: close\r\n\r\n",
                  from.path, from.authority));
  std::string head = co_await reader.readuntil("\r\n\r\n");
  if (!head.starts_with("HTTP/1.")) throw std::runtime_error("that is not HTTP/1.1");
  const std::string status = head.substr(9, head.find('\r') - 9);
  std::ranges::transform(head, head.begin(),
                         [](unsigned char c) { return static_cast<char>(tolower(c)); });

  std::size_t size = 0;
  const std::string_view length = field(head, "content-length");
  if (field(head, "transfer-encoding").ends_with("chunked")) {
    size = co_await count_chunks(reader);
  } else if (!length.empty()) {
    size = co_await count_bytes(reader, parse_size(length, 10));
  } else {
    size = co_await count_bytes(reader, to_the_end);
  }
  co_return fmt::format("{:<13} {:>8} bytes  {}", status, size, from.text);
}

// Fetches and prints; a failure concerns only this page.
aio::coro<bool> fetch(url from) {
  const auto start = aio::get_running_loop().time();
  try {
    const std::string page = co_await aio::wait_for(get(from), 30s);
    const seconds taken = aio::get_running_loop().time() - start;
    fmt::print("  {:.2f} s  {}\n", taken.count(), page);
    co_return true;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fetch: {}: {}\n", from.text, error.what());
    co_return false;
  }
}

aio::coro<bool> fetch_both_ways(std::vector<url> pages) {
  const auto& loop = aio::get_running_loop();
  bool all_came = true;

  fmt::print("One after the other:\n");
  const auto start = loop.time();
  for (const url& one : pages) {
    const bool came = co_await fetch(one);
    all_came = all_came && came;
  }
  const auto middle = loop.time();
  fmt::print("  {:.2f} s in total\n", seconds(middle - start).count());

  fmt::print("All at once:\n");
  std::vector<aio::coro<bool>> fetches;
  for (const url& one : pages) fetches.push_back(fetch(one));
  const auto results = co_await aio::gather(std::move(fetches));
  fmt::print("  {:.2f} s in total\n", seconds(loop.time() - middle).count());
  co_return all_came&& std::ranges::find(results, false) == results.end();
}

// The server for those who give no URLs: /300 answers after 300 ms.
aio::coro<> answer(aio::stream_reader reader, aio::stream_writer writer) {
  const std::string head = co_await reader.readuntil("\r\n\r\n");
  const std::size_t delay =
      parse_size(std::string_view(head).substr(5), 10);  // "GET /"
  co_await aio::sleep(std::chrono::milliseconds(delay));
  writer.write("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!");
  co_await writer.drain();
}

aio::coro<int> amain(std::vector<std::string> arguments) {
  bool all_came = true;
  if (arguments.empty()) {
    const auto server = co_await aio::start_server(answer, "127.0.0.1", 0);
    for (const int delay : {300, 200, 100}) {
      arguments.push_back(
          fmt::format("http://{}/{}", server.endpoints().front(), delay));
    }
  }
  std::vector<url> pages;
  for (const std::string& text : arguments) {
    try {
      pages.push_back(parse_url(text));
    } catch (const std::invalid_argument& error) {
      fmt::print(stderr, "fetch: {}: {}\n", text, error.what());
      all_came = false;
    }
  }
  if (!pages.empty()) {
    const bool came = co_await fetch_both_ways(std::move(pages));
    all_came = all_came && came;
  }
  co_return all_came ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == '-') support::exit_with_usage(argv[0], "[URL...]");
  return support::run("fetch", amain({argv + 1, argv + argc}));
}
