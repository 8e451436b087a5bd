// SPDX-License-Identifier: BSL-1.0

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "parts.hpp"

using namespace std::chrono_literals;

namespace demo {
namespace {

aio::coro<> send_back(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(65536);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

std::vector<std::string> progress(const screen& out, std::size_t done,
                                  std::size_t all) {
  constexpr std::size_t width = 48;
  const std::size_t filled = done * width / all;
  return {fmt::format("  |{}{}| {} of {}", out.bar(color::green, filled),
                      std::string(width - filled, ' '), grouped(done), grouped(all))};
}

}  // namespace

aio::coro<> echo(screen& out) {
  const std::size_t all = out.is_quick() ? 2'000 : 100'000;
  out.heading(3, fmt::format("{} messages to an echo server and back, one at a time",
                             grouped(all)));
  const auto server = co_await aio::start_server(send_back, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());

  const auto& loop = aio::get_running_loop();
  const auto start = loop.time();
  auto drawn = start;
  for (std::size_t i = 0; i < all; ++i) {
    const std::string message = fmt::format("{:>63}\n", i);
    writer.write(message);
    co_await writer.drain();
    const std::string answer = co_await reader.readexactly(message.size());
    if (answer != message) {
      throw std::runtime_error(fmt::format("message {} came back changed", i));
    }
    if (loop.time() - drawn > 50ms) {
      drawn = loop.time();
      out.draw(progress(out, i + 1, all), false);
    }
  }
  const std::chrono::duration<double> taken = loop.time() - start;

  out.draw(progress(out, all, all), true);
  out.line();
  out.line(fmt::format(
      "  {} messages a second over TCP, client and server in one thread.",
      out.strong(grouped(
          static_cast<std::size_t>(static_cast<double>(all) / taken.count())))));
  out.line("  64 bytes each, and every byte came back as it was sent.");
  co_await out.pause(1200ms);
}

}  // namespace demo
