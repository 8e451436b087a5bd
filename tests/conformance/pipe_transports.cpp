// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <memory>

namespace pipe_transports {
using namespace conformance;

struct pipe_ends {
  pipe_ends() {
    int both[2];
    if (::pipe2(both, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    r = both[0];
    w = both[1];
  }
  int r;
  int w;
};

struct reader : aio::protocol {
  void connection_made(aio::transport&) override { events.push_back("made"); }
  void data_received(std::string_view bytes) override {
    data += bytes;
    news.set();
  }
  bool eof_received() override {
    events.push_back("eof");
    return false;
  }
  void connection_lost(std::exception_ptr error) override {
    events.push_back(error ? "lost error" : "lost none");
    gone.set();
  }

  std::vector<std::string> events;
  std::string data;
  aio::event news;
  aio::event gone;
};

struct writer : aio::protocol {
  void connection_lost(std::exception_ptr error) override {
    gone.set_result(error ? "error" : "none");
  }

  aio::future<std::string> gone = aio::get_running_loop().create_future<std::string>();
};

template <class P>
std::unique_ptr<P> make() {
  return std::make_unique<P>();
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  {
    const pipe_ends ends;
    auto [reading, in] = co_await loop.connect_read_pipe(make<reader>, ends.r);
    auto [writing, out] = co_await loop.connect_write_pipe(make<writer>, ends.w);
    print("made", words(in->events));
    writing.write("through ");
    writing.write("a pipe");
    while (in->data != "through a pipe") {
      in->news.clear();
      co_await in->news.wait();
    }
    print("got", in->data);

    reading.pause_reading();
    writing.write(" more");
    co_await aio::sleep(20ms);
    print("paused, got", in->data.size() - 14);
    reading.resume_reading();
    writing.write_eof();
    print("closing", writing.is_closing());
    co_await in->gone.wait();
    print("events", words(in->events), "| got", in->data);
    const std::string lost = co_await out->gone;
    print("writer lost", lost);
  }
  {
    const pipe_ends ends;
    const auto feed = [&](std::string_view bytes) {
      if (::write(ends.w, bytes.data(), bytes.size()) < 0) std::abort();
    };
    aio::stream_reader stream = co_await aio::open_read_pipe(ends.r);
    feed("line one\nline two\nrest");
    const std::string one = co_await stream.readline();
    const std::string two = co_await stream.readline();
    print(one.substr(0, 8), "|", two.substr(0, 8));
    ::close(ends.w);
    const std::string rest = co_await stream.read();
    print(rest, "at_eof", stream.at_eof());
  }
  {
    const pipe_ends ends;
    auto [writing, out] = co_await loop.connect_write_pipe(make<writer>, ends.w);
    ::close(ends.r);
    const std::string lost = co_await out->gone;
    print("reader gone, writer lost:", lost, "closing", writing.is_closing());
  }
}

AIO_TWIN(pipe_transports) { aio::run(amain()); }

}  // namespace pipe_transports
