// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <filesystem>

namespace stream_unix_lines {
using namespace conformance;

aio::coro<> handle(aio::stream_reader reader, aio::stream_writer writer) {
  int count = 0;
  for (;;) {
    const std::string line = co_await reader.readline();
    if (line.empty()) break;
    ++count;
    writer.write(fmt::format("{}: {}", count, line));
  }
  writer.write(fmt::format("total {}", count));
  writer.close();
  co_await writer.wait_closed();
}

std::string stripped(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

aio::coro<std::string> next_line(aio::stream_reader& reader) {
  co_return stripped(co_await reader.readline());
}

aio::coro<> amain() {
  const temporary_folder folder;
  const std::string path = folder / "s";
  const aio::server server = co_await aio::start_unix_server(handle, path);
  print("socket file exists", std::filesystem::exists(path));
  {
    auto [reader, writer] = co_await aio::open_unix_connection(path);
    print("peer is the path", writer.peername().path() == path);
    writer.write("alpha\nbeta\nga");
    for (int i = 0; i < 2; ++i) {
      const std::string line = co_await next_line(reader);
      print(line);
    }
    writer.write("mma\nunfinished");
    writer.write_eof();
    const std::string line = co_await next_line(reader);
    print(line);
    const std::string rest = co_await reader.read();
    print("rest:", rest);
    writer.close();
    co_await writer.wait_closed();
  }

  std::vector<aio::stream_pair> pairs;
  for (int i = 0; i < 2; ++i) {
    auto pair = co_await aio::open_unix_connection(path);
    pairs.push_back(std::move(pair));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i].second.write(fmt::format("client {}\n", i));
      const std::string line = co_await next_line(pairs[i].first);
      print(line);
    }
  }
  for (auto& [reader, writer] : pairs) {
    writer.write_eof();
    const std::string rest = co_await reader.read();
    print(rest);
    writer.close();
    co_await writer.wait_closed();
  }
  server.close();
  co_await server.wait_closed();
  try {
    co_await aio::open_unix_connection(path);
  } catch (const boost::system::system_error&) {
    print("nobody listens any more");
  }
}

AIO_TWIN(stream_unix_lines) { aio::run(amain()); }

}  // namespace stream_unix_lines
