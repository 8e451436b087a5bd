// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One request and the head of its response, on a connection.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/client_connection.hpp>
#include <aio/http/detail/client_request.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/error.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/task/end_of.hpp>
#include <aio/task/task.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http::detail {

/// The head of a final response, without views.
struct response_head {
  int status = 0;
  std::string reason;
  headers fields;
  bool keep_alive = false;
  bool upgrade = false;
  body_decoder body;
};

/// Reads heads from a connection.
class head_reader {
 public:
  head_reader(connection_ptr from, std::string_view method)
      : from_(std::move(from)), method_(method) {}

  /// Whether a head is there, complete; it stays in the buffer until taken.
  ///
  /// Throws: client_response_error – it is none
  bool has_head() {
    switch (parser_.parse_response(from_->buffer.data(), head_)) {
      case parse_state::needs_more:
        return false;
      case parse_state::complete:
        return true;
      default:
        throw client_response_error(
            parser_.error().status,
            "not a response of HTTP: " + std::string(parser_.error().text));
    }
  }
  int status() const noexcept { return head_.status; }
  bool is_interim() const noexcept { return head_.status < 200 && head_.status != 101; }

  response_head take() {
    response_head taken{head_.status,        std::string(head_.reason),
                        copy_headers(head_), head_.keep_alive,
                        head_.upgrade,       body_decoder::of_response(head_, method_)};
    skip();
    return taken;
  }
  void skip() {
    if (++count_ > most) throw client_response_error(400, "too many interim responses");
    from_->buffer.drop(parser_.size());
    from_->bytes_taken();
    parser_.reset();
  }

  /// Whether anything has come in answer.
  bool has_begun() const noexcept { return count_ > 0 || !from_->buffer.empty(); }
  const connection_ptr& connection() const noexcept { return from_; }

 private:
  static constexpr int most = 64;

  connection_ptr from_;
  std::string method_;
  head_parser parser_;
  message_head head_;
  int count_ = 0;
};

/// Waits until there is a head.
///
/// Throws: server_disconnected_error; client_response_error; see receive_more
inline coro<> wait_for_head(head_reader& reader, time_limit limit) {
  while (!reader.has_head()) {
    auto receiving =
        receive_more(reader.connection(), reader.connection()->buffer.size(), limit);
    const bool came = co_await std::move(receiving);
    if (!came) throw server_disconnected_error();
  }
}

/// The head of the final response.
///
/// Throws: see wait_for_head
inline coro<response_head> read_final_head(head_reader& reader, time_limit limit) {
  for (;;) {
    co_await wait_for_head(reader, limit);
    if (!reader.is_interim()) break;
    reader.skip();
  }
  co_return reader.take();
}

/// Waits for 100 Continue.
///
/// Returns: whether to send the body: not if there is a final answer already
inline coro<bool> wait_for_continue(head_reader& reader) {
  for (;;) {
    try {
      co_await wait_for_head(reader, std::chrono::seconds(1));
    } catch (const socket_timeout_error&) {
      co_return true;  // a server may ignore the question
    }
    if (!reader.is_interim()) co_return false;
    const bool is_continue = reader.status() == 100;
    reader.skip();
    if (is_continue) co_return true;
  }
}

/// Sends a body while it is made. Whatever ends the connection is left to whoever reads
/// from it; an error of the generator is kept, and ends the connection.
inline coro<> upload(connection_ptr to, body_generator& body,
                     std::optional<std::uint64_t> length, std::exception_ptr& error) {
  try {
    std::uint64_t sent = 0;
    std::string chunk;
    while (auto piece = co_await body.next()) {
      sent += piece->size();
      if (length) {
        if (sent > *length) throw client_payload_error("the body is longer than said");
        to->source.write(*piece);
      } else {
        chunk.clear();
        write_chunk(chunk, *piece);
        to->source.write(chunk);
      }
      bool is_broken = false;
      try {
        co_await aio::detail::drain_operation(
            intrusive_ptr<aio::detail::stream_connection>(to.get()));
      } catch (const boost::system::system_error&) {
        is_broken = true;
      }
      if (is_broken) co_return;
    }
    if (length && sent != *length) {
      throw client_payload_error("the body is shorter than said");
    }
    if (!length) to->source.write(last_chunk);
  } catch (const cancelled_error&) {
    throw;
  } catch (...) {
    error = std::current_exception();
    to->source.abort();
  }
}

/// Cancels a task that uses what is ours, and waits for its end whatever happens.
inline coro<> stop(task<void> running) {
  std::exception_ptr cancelled;
  running.cancel();
  while (!running.done()) {
    try {
      co_await aio::detail::end_of(*running.required());
    } catch (...) {
      cancelled = std::current_exception();
    }
  }
  if (cancelled) std::rethrow_exception(cancelled);
}

/// Sends the head and the body, and reads the head of the answer.
///
/// Cancellation: the connection cannot be used any more.
/// Throws:       client_error; what the generator of the body throws; cancelled_error
inline coro<response_head> exchange(head_reader& reader, const client_request& request,
                                    std::string head) {
  const connection_ptr& connection = reader.connection();
  const time_limit limit = real_limit(request.timeout.sock_read);
  const bool is_asking = request.expect100 && request.has_body;
  if (is_asking) {
    connection->source.write(head);
    const bool is_wanted = co_await wait_for_continue(reader);
    if (!is_wanted) {
      response_head refused = reader.take();
      refused.keep_alive = false;
      co_return refused;
    }
    head.clear();
  }
  if (request.stream == nullptr) {
    const std::array<std::string_view, 2> parts{head, request.body};
    connection->source.writelines(parts);
    co_return co_await read_final_head(reader, limit);
  }

  connection->source.write(head);
  std::exception_ptr error, upload_error;
  auto uploading =
      upload(connection, *request.stream, given_length(request), upload_error);
  task<void> sending = create_task(std::move(uploading));
  response_head answer;
  try {
    answer = co_await read_final_head(reader, limit);
  } catch (...) {
    error = std::current_exception();
  }
  if (!sending.done()) {
    answer.keep_alive = false;
    co_await stop(sending);
  }
  if (upload_error) std::rethrow_exception(upload_error);
  if (error) std::rethrow_exception(error);
  co_return answer;
}

}  // namespace aio::http::detail
