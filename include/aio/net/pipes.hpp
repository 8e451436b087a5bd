// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Pipes, FIFOs and terminals as transports and streams.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/detail/pipe_transport.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace aio {
namespace detail {

/// Makes `fd` ready for a pipe transport.
///
/// Throws: std::invalid_argument – of a kind that cannot be waited for
inline void check_pipe(int fd, const char* call) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) throw_last_error(call);
  if (!S_ISFIFO(about.st_mode) && !S_ISSOCK(about.st_mode) && !S_ISCHR(about.st_mode)) {
    throw std::invalid_argument(std::string(call) +
                                ": only pipes, sockets and character devices");
  }
}

/// It belongs to the transport only when that has started.
template <class Transport>
intrusive_ptr<Transport> start_pipe(event_loop& loop, int fd,
                                    std::shared_ptr<base_protocol> protocol) {
  intrusive_ptr<Transport> made(new Transport(loop, descriptor(fd)));
  try {
    made->start(std::move(protocol));
  } catch (...) {
    made->disown();
    throw;
  }
  return made;
}

template <class Transport, class Factory>
auto connect_pipe(event_loop& loop, Factory factory, int fd, const char* call)
    -> coro<std::pair<transport, decltype(make_protocol(factory))>> {
  check_pipe(fd, call);
  set_nonblocking(fd);
  auto protocol = make_protocol(factory);
  auto made = start_pipe<Transport>(loop, fd, protocol);
  co_return std::pair(transport(made), std::move(protocol));
}

/// The same file, but non-blocking for us alone: standard input and output are shared
/// with other processes, which shall not find them changed.
inline descriptor open_again(int fd, int access) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  struct stat about {};
  if (::fstat(fd, &about) != 0) throw_last_error("fstat");
  if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
    descriptor made(::open(path.c_str(), access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (made) return made;
  }
  descriptor made(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!made) throw_last_error("dup");
  if (!S_ISREG(about.st_mode)) set_nonblocking(made.get());
  return made;
}

/// `fd` stays with the caller if it cannot be waited for.
template <class Transport>
intrusive_ptr<stream_connection> open_pipe(event_loop& loop, int fd,
                                           std::size_t limit) {
  const intrusive_ptr<stream_connection> streams(
      new stream_connection(loop.core(), limit));
  start_pipe<Transport>(loop, fd, stream_connection::as_protocol(streams));
  return streams;
}

template <class Transport>
intrusive_ptr<stream_connection> open_standard(int fd, int access, std::size_t limit) {
  event_loop& loop = get_running_loop();
  descriptor opened = open_again(fd, access);
  auto streams = open_pipe<Transport>(loop, opened.get(), limit);
  opened.release();
  return streams;
}

inline coro<stream_reader> read_pipe(int fd, std::size_t limit) {
  check_pipe(fd, "open_read_pipe");
  set_nonblocking(fd);
  co_return stream_reader(
      open_pipe<read_pipe_transport>(get_running_loop(), fd, limit));
}

inline coro<stream_writer> write_pipe(int fd) {
  check_pipe(fd, "open_write_pipe");
  set_nonblocking(fd);
  co_return stream_writer(open_pipe<write_pipe_transport>(
      get_running_loop(), fd, stream_reader::default_limit));
}

}  // namespace detail

/// Hands the reading end of a pipe, a FIFO, a socket or a terminal to `factory()`. The
/// descriptor becomes non-blocking and belongs to the transport, which closes it.
///
/// Returns:      the transport and a shared pointer to the protocol
/// Cancellation: it does not wait.
/// Throws:       std::invalid_argument – a file of another kind, which stays yours;
///               boost::system::system_error – it cannot be waited for
/// Like:         loop.connect_read_pipe
template <class Factory>
auto event_loop::connect_read_pipe(Factory factory, int fd) {
  return detail::connect_pipe<detail::read_pipe_transport>(*this, std::move(factory),
                                                           fd, "connect_read_pipe");
}

/// The same for the writing end. connection_lost() comes as soon as the reader is gone:
/// with broken_pipe if bytes were waiting, else with null.
///
/// Like: loop.connect_write_pipe
template <class Factory>
auto event_loop::connect_write_pipe(Factory factory, int fd) {
  return detail::connect_pipe<detail::write_pipe_transport>(*this, std::move(factory),
                                                            fd, "connect_write_pipe");
}

/// The reading end of a pipe as a stream; see loop.connect_read_pipe.
inline coro<stream_reader> open_read_pipe(
    int fd, std::size_t limit = stream_reader::default_limit) {
  if (limit == 0) throw std::invalid_argument("open_read_pipe: a limit of 0");
  return detail::read_pipe(fd, limit);
}

/// The writing end of a pipe as a stream; see loop.connect_write_pipe.
inline coro<stream_writer> open_write_pipe(int fd) { return detail::write_pipe(fd); }

/// Standard input as a stream: a terminal, a pipe, a file. Other processes that share
/// it do not notice. Make one only: it reads ahead.
///
///     aio::stream_reader in = aio::stdin_reader();
///     std::string line = co_await in.readline();
///
/// Throws: usage_error – no running loop; boost::system::system_error – it is closed
inline stream_reader stdin_reader(std::size_t limit = stream_reader::default_limit) {
  if (limit == 0) throw std::invalid_argument("stdin_reader: a limit of 0");
  return stream_reader(detail::open_standard<detail::read_pipe_transport>(
      STDIN_FILENO, O_RDONLY, limit));
}

/// Standard output as a stream.
///
/// Throws: usage_error – no running loop; boost::system::system_error – it is closed
inline stream_writer stdout_writer() {
  return stream_writer(detail::open_standard<detail::write_pipe_transport>(
      STDOUT_FILENO, O_WRONLY, stream_reader::default_limit));
}

/// Standard error as a stream.
///
/// Throws: see stdout_writer
inline stream_writer stderr_writer() {
  return stream_writer(detail::open_standard<detail::write_pipe_transport>(
      STDERR_FILENO, O_WRONLY, stream_reader::default_limit));
}

}  // namespace aio
