// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace sock_stream {
using namespace conformance;

int tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }

aio::endpoint getsockname(int fd) { return aio::detail::local_endpoint(fd); }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

aio::coro<> serve(int listening, const int& client) {
  aio::event_loop& loop = aio::get_running_loop();
  auto [conn, peer] = co_await loop.sock_accept(listening);
  print("accepted, peer is the client", peer == getsockname(client));
  std::array<char, 4> buffer;
  const std::size_t n = co_await loop.sock_recv_into(conn, buffer);
  print("recv_into", n, std::string_view(buffer.data(), n));
  std::string data = co_await loop.sock_recv(conn, 100);
  while (!data.empty()) {
    co_await loop.sock_sendall(conn, upper(data));
    data = co_await loop.sock_recv(conn, 100);
  }
  print("server saw the end");
  ::close(conn);
}

aio::coro<std::string> drain(int from) {
  std::string all;
  std::string data = co_await aio::get_running_loop().sock_recv(from, 65536);
  while (!data.empty()) {
    all += data;
    data = co_await aio::get_running_loop().sock_recv(from, 65536);
  }
  co_return all;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const int listening = tcp();
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listening, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) abort();
  ::listen(listening, 128);
  const aio::endpoint address = getsockname(listening);

  int client = -1;
  auto server = aio::create_task(serve(listening, client));
  client = tcp();
  co_await loop.sock_connect(client, address);
  co_await loop.sock_sendall(client, "head");
  const std::array<std::string, 2> words{"alpha", "beta"};
  for (const std::string& word : words) {
    co_await aio::sleep(10ms);
    co_await loop.sock_sendall(client, word);
    std::string reply;
    while (reply.size() < word.size()) {
      reply += co_await loop.sock_recv(client, 100);
    }
    print("reply", reply);
  }
  ::shutdown(client, SHUT_WR);
  const std::string rest = co_await loop.sock_recv(client, 1);
  print("end of file:", rest.size());
  co_await server;
  ::close(client);
  ::close(listening);

  const int sock = tcp();
  try {
    co_await loop.sock_connect(sock, address);
  } catch (const boost::system::system_error&) {
    print(label());
  }
  ::close(sock);

  // a megabyte through a socket pair
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) abort();
  std::string big;
  for (int i = 0; i < 256 * 4096; ++i) big += static_cast<char>(i);
  auto reading = aio::create_task(drain(ends[1]));
  co_await loop.sock_sendall(ends[0], big);
  ::close(ends[0]);
  const std::string all = co_await reading;
  print("a megabyte arrived", all == big);
  ::close(ends[1]);
}

AIO_TWIN(sock_stream) { aio::run(amain()); }

}  // namespace sock_stream
