// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/pipes.hpp>

#include <support/net.hpp>
#include <support/protocols.hpp>

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

using test::recorder;

namespace {

struct ends {
  int read;
  int write;
};

ends make_pipe() {
  int both[2];
  REQUIRE(::pipe2(both, O_CLOEXEC) == 0);
  return {both[0], both[1]};
}

auto make(const std::shared_ptr<recorder>& protocol) {
  return [protocol] { return protocol; };
}

/// `fd` is another file while it lives.
class replaced {
 public:
  replaced(int fd, int by) : fd_(fd), kept_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
    std::fflush(stdout);
    ::dup2(by, fd);
    ::close(by);
  }
  ~replaced() {
    ::dup2(kept_, fd_);
    ::close(kept_);
  }

 private:
  int fd_;
  int kept_;
};

std::string read_all(int fd) {
  std::string all;
  char room[4096];
  for (ssize_t n; (n = ::read(fd, room, sizeof room)) > 0;) {
    all.append(room, static_cast<std::size_t>(n));
  }
  return all;
}

}  // namespace

AIO_NET_TEST("pipes: from a writing to a reading transport", "[net][pipes]") {
  const ends pipe = make_pipe();
  auto reader = std::make_shared<recorder>();
  auto writer = std::make_shared<recorder>();
  auto [in, same_reader] = co_await loop.connect_read_pipe(make(reader), pipe.read);
  auto [out, same_writer] = co_await loop.connect_write_pipe(make(writer), pipe.write);
  CHECK(same_reader == reader);
  CHECK(in.native_handle() == pipe.read);
  CHECK(in.peername().empty());
  CHECK(out.sockname().empty());
  CHECK(in.is_reading());
  CHECK_FALSE(out.is_reading());

  const std::string much = test::pattern(1'000'000);
  out.write("begin ");
  out.write(much);
  CHECK(out.get_write_buffer_size() > 0);
  CHECK(writer->log == "made pause");
  out.write_eof();
  CHECK(out.is_closing());
  auto over = test::until([&] { return reader->ended && writer->ended; });
  co_await std::move(over);
  CHECK(reader->received == "begin " + much);
  CHECK(reader->log == "made data eof lost");
  CHECK(writer->log == "made pause resume lost");
}

AIO_NET_TEST("pipes: an end does only what it is for", "[net][pipes]") {
  const ends pipe = make_pipe();
  auto reader = std::make_shared<recorder>();
  auto writer = std::make_shared<recorder>();
  auto [in, r] = co_await loop.connect_read_pipe(make(reader), pipe.read);
  auto [out, w] = co_await loop.connect_write_pipe(make(writer), pipe.write);
  CHECK_FALSE(in.can_write_eof());
  CHECK(out.can_write_eof());
  CHECK_THROWS_AS(in.write("x"), aio::usage_error);
  CHECK_THROWS_AS(in.write_eof(), aio::usage_error);
  CHECK_THROWS_AS(out.pause_reading(), aio::usage_error);
  CHECK_THROWS_AS(out.resume_reading(), aio::usage_error);
  in.abort();
  out.abort();
  co_await test::polls(2);
  CHECK(reader->log == "made lost");
  CHECK(writer->log == "made lost");
}

AIO_NET_TEST("pipes: paused, nothing arrives", "[net][pipes]") {
  const ends pipe = make_pipe();
  auto reader = std::make_shared<recorder>();
  auto writer = std::make_shared<recorder>();
  auto [in, r] = co_await loop.connect_read_pipe(make(reader), pipe.read);
  auto [out, w] = co_await loop.connect_write_pipe(make(writer), pipe.write);
  in.pause_reading();
  out.write("word");
  co_await test::polls(5);
  CHECK(reader->received.empty());
  in.resume_reading();
  auto come = test::until([&] { return reader->received == "word"; });
  co_await std::move(come);
  out.close();
  auto over = test::until([&] { return reader->ended && writer->ended; });
  co_await std::move(over);
}

AIO_NET_TEST("pipes: the writer learns at once that nobody reads", "[net][pipes]") {
  const ends pipe = make_pipe();
  auto writer = std::make_shared<recorder>();
  auto [out, w] = co_await loop.connect_write_pipe(make(writer), pipe.write);
  ::close(pipe.read);
  auto over = test::until([&] { return writer->ended; });
  co_await std::move(over);
  CHECK(writer->log == "made lost");
  out.write("dropped");
}

AIO_NET_TEST("pipes: what cannot be written any more is an error, and no signal",
             "[net][pipes]") {
  // SIGPIPE has its default action here: it would end the process.
  const ends pipe = make_pipe();
  auto writer = std::make_shared<recorder>();
  auto [out, w] = co_await loop.connect_write_pipe(make(writer), pipe.write);
  SECTION("while bytes wait") {
    out.write(std::string(1'000'000, 'x'));
    CHECK(out.get_write_buffer_size() > 0);
    ::close(pipe.read);
  }
  SECTION("in the write") {
    ::close(pipe.read);
    out.write("x");
    CHECK(out.is_closing());
  }
  auto over = test::until([&] { return writer->ended; });
  co_await std::move(over);
  REQUIRE(writer->error);
  try {
    std::rethrow_exception(writer->error);
  } catch (const boost::system::system_error& error) {
    CHECK(error.code() == boost::system::errc::broken_pipe);
  }
}

AIO_NET_TEST("pipes: a regular file is refused and stays open", "[net][pipes]") {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  std::string read_error;
  std::string write_error;
  try {
    co_await loop.connect_read_pipe(make(std::make_shared<recorder>()), file);
  } catch (const std::invalid_argument& error) {
    read_error = error.what();
  }
  try {
    co_await loop.connect_write_pipe(make(std::make_shared<recorder>()), file);
  } catch (const std::invalid_argument& error) {
    write_error = error.what();
  }
  CHECK(read_error == "connect_read_pipe: only pipes, sockets and character devices");
  CHECK(write_error == "connect_write_pipe: only pipes, sockets and character devices");
  CHECK(::close(file) == 0);
}

AIO_NET_TEST("pipes: a terminal whose other side closes is at its end",
             "[net][pipes]") {
  int controller = -1;
  int terminal = -1;
  if (::openpty(&controller, &terminal, nullptr, nullptr, nullptr) != 0) {
    WARN("skipped: no terminals here (/dev/pts)");
    co_return;
  }
  auto reader = std::make_shared<recorder>();
  auto [in, r] = co_await loop.connect_read_pipe(make(reader), controller);
  REQUIRE(::write(terminal, "hello", 5) == 5);
  auto come = test::until([&] { return !reader->received.empty(); });
  co_await std::move(come);
  ::close(terminal);
  auto over = test::until([&] { return reader->ended; });
  co_await std::move(over);
  CHECK(reader->log == "made data eof lost");
}

AIO_NET_TEST("pipes: standard input as a stream, from a pipe", "[net][pipes]") {
  const ends pipe = make_pipe();
  const replaced input(STDIN_FILENO, pipe.read);
  aio::stream_reader in = aio::stdin_reader();
  // The flags of the shared file are as they were.
  CHECK((::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0);
  REQUIRE(::write(pipe.write, "one\ntwo", 7) == 7);
  const std::string first = co_await in.readline();
  ::close(pipe.write);
  const std::string rest = co_await in.read();
  CHECK(first == "one\n");
  CHECK(rest == "two");
  CHECK(in.at_eof());
}

AIO_NET_TEST("pipes: standard input as a stream, from a file and from nothing",
             "[net][pipes]") {
  std::string path = "/tmp/aio_pipes_XXXXXX";
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  REQUIRE(file >= 0);
  ::unlink(path.c_str());
  const std::string text = test::pattern(300'000);
  REQUIRE(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::lseek(file, 10, SEEK_SET);
  {
    const replaced input(STDIN_FILENO, file);
    const std::string all = co_await aio::stdin_reader().read();
    CHECK(all == text.substr(10));
  }
  {
    const replaced input(STDIN_FILENO, ::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::string nothing = co_await aio::stdin_reader().read();
    CHECK(nothing.empty());
  }
}

AIO_NET_TEST("pipes: standard output as a stream", "[net][pipes]") {
  const ends pipe = make_pipe();
  const std::string text = test::pattern(200'000);
  auto received = aio::create_task([&]() -> aio::coro<std::string> {
    return aio::to_thread([fd = pipe.read] { return read_all(fd); });
  });
  {
    const replaced output(STDOUT_FILENO, pipe.write);
    aio::stream_writer out = aio::stdout_writer();
    CHECK((::fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) == 0);
    out.write(text);
    co_await out.drain();
    out.close();
    co_await out.wait_closed();
  }
  const std::string all = co_await received;
  CHECK(all == text);
  ::close(pipe.read);
}

AIO_NET_TEST("pipes: standard output into a file", "[net][pipes]") {
  std::string path = "/tmp/aio_pipes_XXXXXX";
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  REQUIRE(file >= 0);
  ::unlink(path.c_str());
  const int kept = ::fcntl(file, F_DUPFD_CLOEXEC, 0);
  {
    const replaced output(STDOUT_FILENO, file);
    aio::stream_writer out = aio::stdout_writer();
    out.write("one ");
    out.write("two");
    out.close();
    co_await out.wait_closed();
  }
  ::lseek(kept, 0, SEEK_SET);
  CHECK(read_all(kept) == "one two");
  ::close(kept);
}
