// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of a web server: its task, from request to request.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/http/date.hpp>
#include <aio/io/threads.hpp>
#include <aio/net/sendfile.hpp>
#include <aio/task/sleep.hpp>
#include <aio/web/access_logger.hpp>
#include <aio/web/detail/connection.hpp>
#include <aio/web/detail/connection_input.hpp>
#include <aio/web/detail/connection_output.hpp>
#include <aio/web/detail/deflate.hpp>
#include <aio/web/detail/file_answer.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <boost/system/system_error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace aio::web::detail {

/// Cancellation: the connection is closed.
inline coro<> connection::serve(std::shared_ptr<connection> self) {
  connection& c = *self;
  const aio::detail::scope_exit at_last([&] { c.end(); });
  for (int in_a_row = 1;; ++in_a_row) {
    const bool has_request = co_await next_request(c);
    if (!has_request) break;
    c.begin_request();
    std::optional<response> made;
    std::exception_ptr failure = c.refusal();
    if (!failure) {
      try {
        made.emplace(co_await c.server_->app->handle(*c.request_));
      } catch (const cancelled_error&) {
        throw;
      } catch (...) {
        failure = std::current_exception();
      }
    }
    if (failure) made = c.response_for(std::exchange(failure, nullptr));
    if (!made || c.phase_ == phase::taken) break;
    if (c.needs_waiting(*made)) {
      try {
        co_await c.send_slowly(*made);
      } catch (const cancelled_error&) {
        throw;
      } catch (...) {
        failure = std::current_exception();
      }
      if (failure) {
        made = c.response_for(failure);
        if (!made) break;
        c.send(*made);
      }
    } else {
      c.send(*made);
    }
    made.reset();
    c.end_request();
    if (c.is_writing_paused_ && !c.is_lost_) co_await writing_room(c);
    if (in_a_row % greedy_requests == 0 && !c.input_.empty()) {
      co_await sleep(duration::zero());
    }
  }
}

/// What the parser has to say of a request that it refused; null if it did not.
inline std::exception_ptr connection::refusal() const {
  if (!error_) return nullptr;
  return std::make_exception_ptr(
      http_exception(error_.status, std::string(error_.text)));
}

/// None: nothing can be sent any more.
inline std::optional<response> connection::response_for(
    const std::exception_ptr& error) {
  std::optional<response> made;
  bool is_ours = false;
  try {
    std::rethrow_exception(error);
  } catch (const http_exception& e) {
    made.emplace(e);
  } catch (const timeout_error&) {
    made.emplace(gateway_timeout());
  } catch (const boost::system::system_error&) {
    is_ours = !is_lost_ && !is_closing_;
    made.emplace(internal_server_error());
  } catch (...) {
    is_ours = true;
    made.emplace(internal_server_error());
  }
  if (is_ours) {
    server_->loop.core().call_exception_handler(
        {"error handling a request", error,
         std::string(request_->method()) + " " + std::string(request_->target())});
  }
  if (is_ours && server_->loop.get_debug()) made->body() += "\n\n" + describe(error);
  if (status_ != 0 || phase_ == phase::taken) {
    is_closing_ = true;
    if (phase_ != phase::taken) link_.abort();
    return std::nullopt;
  }
  if (made->status() >= 500 && made->status() != 504) made->force_close();
  return made;
}

inline void connection::end_request() {
  log();
  const bool was_refused = static_cast<bool>(error_);
  error_ = {};
  must_continue_ = false;
  is_body_wanted_ = false;
  shutdown_callback_ = nullptr;
  deadline_line::member::unlink();
  if (body_) {
    if (is_body_open()) {
      body_->set_exception(
          std::make_exception_ptr(usage_error("the request was answered")));
      if (body_->is_paused) link_.resume_reading();
      body_->source = transport();
    }
    body_ = nullptr;
  }
  phase_ = phase::waiting;
  if (was_refused) is_closing_ = true;
  sends_still_ = was_refused || is_body_open();
  input_.let_go();
  if (input_.empty())
    server_->give_back(std::move(request_));
  else
    request_->parts().clear();
  if (std::exchange(is_reading_paused_, false)) link_.resume_reading();
}

/// No further request.
inline void connection::end() {
  const bool was_taken = phase_ == phase::taken;
  phase_ = phase::closing;
  deadline_line::member::unlink();
  flush();
  if (request_) {
    body_ = nullptr;
    server_->give_back(std::move(request_));
  }
  shutdown_callback_ = nullptr;
  task_ = nullptr;
  if (!was_taken && !is_lost_ && sends_still_) return close_gently();
  if (!is_lost_) link_.close();
  server_->remove(*this);
}

/// A client that still sends would lose the answer if the connection was just closed:
/// what it sends is read for a while.
inline void connection::close_gently() {
  input_.consume(input_.data().size());
  input_.let_go();
  if (is_eof_ || !link_.can_write_eof()) {
    link_.close();
    server_->remove(*this);
    return;
  }
  link_.write_eof();
  server_->lingering.enter(*this);
}

inline void connection::log() noexcept {
  access_logger* const logger = server_->limits.access_log;
  if (logger == nullptr || !logger->enabled()) return;
  try {
    logger->log(
        {*request_, status_, sent_ + output_.size(), server_->loop.time() - started_});
  } catch (...) {
    server_->loop.core().call_exception_handler(
        {"the access logger failed", std::current_exception(), {}});
  }
}

inline bool connection::needs_waiting(const response& what) const noexcept {
  return !what.is_sent() &&
         (what.source() != nullptr || what.compresses() || watches_responses());
}

/// Cancellation: of what the application awaits, or else see send_source
inline coro<> connection::send_slowly(response& what) {
  if (watches_responses()) co_await before_response(*request_, what);
  if (what.source() != nullptr) {
    co_await send_source(what);
    co_return;
  }
  if (what.compresses()) co_await compress(what);
  send(what);
}

/// Cancellation: nothing was sent.
inline coro<> connection::compress(response& what) {
  if (what.headers().contains("Content-Encoding") || what.body().empty()) co_return;
  constexpr std::size_t worth_a_thread = 128 * 1024;
  const std::string_view coding = choose_coding(request_->header("accept-encoding"));
  what.headers().add("Vary", "Accept-Encoding");
  if (coding.empty()) co_return;
  if (what.body().size() < worth_a_thread) {
    what.body() = compress_all(std::move(what.body()), coding);
  } else {
    auto compressing = to_thread(compress_all, std::move(what.body()), coding);
    what.body() = co_await std::move(compressing);
  }
  what.headers().set("Content-Encoding", coding);
}

/// Cancellation: part of the file may have been sent.
inline coro<> connection::send_source(response& what) {
  file_question question(*what.source(), *request_);
  auto asking = to_thread(answer_about, std::move(question));
  file_answer about = co_await std::move(asking);
  if (about.status == 404) throw not_found();
  if (about.status == 403) throw forbidden();
  if (about.status == 412) throw precondition_failed();
  http::headers& fields = what.headers();
  fields.set("ETag", about.etag);
  fields.set("Last-Modified", http::format_date(about.changed));
  fields.set("Accept-Ranges", "bytes");
  if (about.is_gzip) {
    fields.set("Content-Encoding", "gzip");
    fields.add("Vary", "Accept-Encoding");
  }
  if (about.status == 206) {
    fields.set("Content-Range", "bytes " + std::to_string(about.begin) + "-" +
                                    std::to_string(about.begin + about.count - 1) +
                                    "/" + std::to_string(about.size));
  } else if (about.status == 416) {
    fields.set("Content-Range", "bytes */" + std::to_string(about.size));
  }
  if (about.status < 300 && !fields.contains("Content-Type")) {
    fields.set("Content-Type", type_of_file(what.source()->path));
  }
  if (about.status != 200) what.set_status(about.status);
  if (!about.file) {
    what.body() = std::move(about.content);
    send(what);
    co_return;
  }
  start_response(*request_, {what.status(),
                             what.reason(),
                             fields,
                             {},
                             body_framing::length,
                             static_cast<std::size_t>(about.count),
                             !what.closes()});
  flush();
  if (request_->method() == "HEAD") co_return;
  const auto sent =
      co_await server_->loop.sendfile(link_, about.file.get(),
                                      {.offset = static_cast<std::int64_t>(about.begin),
                                       .count = static_cast<std::size_t>(about.count)});
  sent_ += sent;
  if (sent != about.count) {
    throw internal_server_error("the file has become shorter");
  }
}

}  // namespace aio::web::detail
