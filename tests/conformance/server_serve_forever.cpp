// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstdint>

namespace server_serve_forever {
using namespace conformance;

aio::coro<> handle(aio::stream_reader, aio::stream_writer writer) {
  writer.write("pong");
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<std::string> ping(std::uint16_t port) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  const std::string answer = co_await reader.read();
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}

aio::coro<> serve(aio::server& server) {
  try {
    co_await server.serve_forever();
  } catch (const aio::cancelled_error&) {
    print("serve_forever cancelled, serving", server.is_serving());
    throw;
  }
}

aio::coro<> amain() {
  aio::server server =
      co_await aio::start_server(handle, "127.0.0.1", 0, {.start_serving = false});
  const std::uint16_t port = server.port();

  std::array<aio::task<>, 1> task{aio::create_task(serve(server))};
  co_await aio::sleep(0s);
  print("serve_forever starts the server:", server.is_serving());
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(co_await ping(port));
  print(words(answers));
  try {
    co_await server.serve_forever();
  } catch (const aio::usage_error&) {
    print("a second serve_forever:", label());
  }
  task[0].cancel();
  co_await aio::wait(task);
  print("task cancelled", task[0].cancelled());
  try {
    co_await ping(port);
  } catch (const boost::system::system_error&) {
    print(label());
  }
  try {
    co_await server.serve_forever();
  } catch (const aio::usage_error&) {
    print("serve_forever after close:", label());
  }

  // close() from outside ends serve_forever with a cancel
  server = co_await aio::start_server(handle, "127.0.0.1", 0);
  task[0] = aio::create_task(serve(server));
  co_await aio::sleep(0s);
  server.close();
  co_await aio::wait(task);
  print("task cancelled", task[0].cancelled(), "cancelling", task[0].cancelling());

  // main pattern: serve under a time limit
  server = co_await aio::start_server(handle, "127.0.0.1", 0);
  try {
    co_await aio::timeout(20ms, [&server] {
      return aio::with(server, [](aio::server s) { return s.serve_forever(); });
    });
  } catch (const aio::timeout_error&) {
    print("timeout, serving", server.is_serving());
  }
}

AIO_TWIN(server_serve_forever) { aio::run(amain()); }

}  // namespace server_serve_forever
