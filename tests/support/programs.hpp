// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Other programs as peers of a loop that serves them meanwhile.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/threads.hpp>

#include <support/child.hpp>

#include <string>
#include <utility>
#include <vector>

namespace test {

template <class... Words>
std::vector<std::string> command(const Words&... words) {
  std::vector<std::string> all;
  (all.emplace_back(words), ...);
  return all;
}

/// All that a program prints, and its exit status behind it.
inline aio::coro<std::string> output_of(std::vector<std::string> arguments,
                                        std::string input = {}) {
  const auto run = [&] {
    child program(arguments, true);
    if (!input.empty()) program.write(input);
    program.close_input();
    std::string all = program.read_all();
    return all + "exit " + std::to_string(program.wait());
  };
  std::string all = co_await aio::to_thread(run);
  co_return all;
}

/// The next line of a program that goes on.
inline aio::coro<std::string> line_of(child& program) {
  const auto read = [&program] { return program.read_line(); };
  std::string line = co_await aio::to_thread(read);
  co_return line;
}

/// What else it prints, and its exit status behind it.
inline aio::coro<std::string> rest_of(child& program) {
  const auto run = [&program] {
    std::string all = program.read_all();
    return all + "exit " + std::to_string(program.wait());
  };
  std::string all = co_await aio::to_thread(run);
  co_return all;
}

}  // namespace test
