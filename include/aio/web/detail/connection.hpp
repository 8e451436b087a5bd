// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of a web server: requests in, responses out.

#pragma once

// Why one task per connection: a handler that does not wait runs inside of the receive
// that brought its request, without a turn of the loop in between, and its response
// leaves before the receive returns. One that waits is resumed as any task.

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/status.hpp>
#include <aio/io/threads.hpp>
#include <aio/net/detail/reader_state.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/sendfile.hpp>
#include <aio/net/transport.hpp>
#include <aio/task/completion.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/web/detail/deadline_line.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/detail/file_answer.hpp>
#include <aio/web/detail/input_buffer.hpp>
#include <aio/web/detail/response_head.hpp>
#include <aio/web/detail/server_core.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <boost/system/system_error.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web::detail {

class connection final : public buffered_protocol,
                         public exchange,
                         public served,
                         public deadline_line::member,
                         public std::enable_shared_from_this<connection> {
 public:
  connection(std::shared_ptr<server_core> of, bool secure)
      : server_(std::move(of)), parser_(server_->head_limits()), is_secure_(secure) {}

  // ----- served -----

  void begin_shutdown() override {
    if (shutdown_callback_) std::exchange(shutdown_callback_, nullptr)();
    if (waiting_ != nullptr || phase_ == phase::closing) link_.close();
  }
  bool stop_body() override {
    if (!body_ || body_->is_ended) return false;
    body_->set_exception(std::make_exception_ptr(cancelled_error()));
    return true;
  }
  void stop() override {
    const auto keep = shared_from_this();
    const auto task = task_;
    link_.abort();
    if (task) task->cancel({});
  }

 private:
  enum class phase : unsigned char { waiting, handling, taken, closing };

  static constexpr int greedy_requests = 64;
  static constexpr std::size_t worth_no_copy = 16 * 1024;
  static constexpr std::size_t much_output = 64 * 1024;

  // ----- exchange -----

  transport& link() noexcept override { return link_; }
  bool is_lost() const noexcept override { return is_lost_ || phase_ == phase::taken; }
  bool is_writing_paused() const noexcept override { return is_writing_paused_; }
  wait_list& writers() noexcept override { return writers_; }
  reader_state* body() noexcept override { return body_.get(); }
  std::size_t client_max_size() const noexcept override {
    return app().client_max_size;
  }
  bool is_secure() const override { return is_secure_; }
  void on_shutdown(aio::detail::move_only_function<void()> f) override {
    shutdown_callback_ = std::move(f);
  }
  bool watches_responses() const noexcept override { return app().watches_responses(); }
  coro<> before_response(request& of, response_base& what) override {
    return app().before_response(of, what);
  }
  inline void expect_body() override;
  inline void start_response(request& of, const response_start& start) override;
  inline void write_body(std::string_view bytes) override;
  inline void end_body() override;
  inline taken_connection take_over(const http::headers& fields,
                                    std::shared_ptr<base_protocol> next) override;

  const application_state& app() const noexcept {
    return request_->parts().app != nullptr ? *request_->parts().app : *server_->app;
  }

  // ----- what the transport says -----

  inline void connection_made(transport& t) override;
  std::span<char> get_buffer(std::size_t) override { return input_.room(); }
  inline void buffer_updated(std::size_t size) override;
  inline bool eof_received() override;
  inline void connection_lost(std::exception_ptr error) override;
  void pause_writing() override { is_writing_paused_ = true; }
  void resume_writing() override {
    is_writing_paused_ = false;
    writers_.wake_all();
  }
  inline void deadline_passed() override;

  // ----- reading -----

  class request_waiter;
  class next_request;
  inline void feed_body();
  inline void end_of_body() noexcept;
  /// Whether the task has something to do: a request, or an end.
  inline bool look_for_request();
  inline void wait_in_line();
  inline void begin_request();
  inline void break_body(std::exception_ptr error) noexcept;
  bool is_body_open() const noexcept { return has_body_ && !decoder_.is_done(); }

  // ----- the task -----

  static inline coro<> serve(std::shared_ptr<connection> self);
  inline std::optional<response> response_for(const std::exception_ptr& error);
  inline void send(response& what);
  inline coro<> send_source(response& what);
  inline void end_request();
  inline void end();
  inline void close_gently();
  inline void log() noexcept;

  // ----- writing -----

  /// Calls `write(std::string&)` and sends what that appends, at once or with what else
  /// this receive brings about.
  template <class F>
  void emit(F write) {
    if (is_direct_) {
      write(output_);
      if (output_.size() >= much_output) flush();
      return;
    }
    std::string bytes = server_->take_output();
    const std::size_t before = bytes.size();
    write(bytes);
    sent_ += bytes.size() - before;
    if (!is_lost_) link_.write(bytes);
    server_->give_back(std::move(bytes));
  }
  void flush() {
    if (output_.empty()) return;
    sent_ += output_.size();
    if (!is_lost_) link_.write(output_);
    output_.clear();
  }

  bool goes_on() const noexcept {
    return !is_closing_ && !is_lost_ && !server_->is_shutting_down();
  }
  /// Whether the connection may serve another request after this response.
  bool may_keep(const response_base& what) const noexcept {
    return may_keep(!what.closes());
  }
  bool may_keep(bool wanted) const noexcept {
    const std::size_t most = server_->limits.max_requests;
    return wanted && goes_on() && request_->keep_alive() && !error_ &&
           (most == 0 || requests_ < most) && !(must_continue_ && is_body_open());
  }

  std::shared_ptr<server_core> server_;
  transport link_;
  intrusive_ptr<aio::detail::completion> task_;
  request_waiter* waiting_ = nullptr;
  std::unique_ptr<request> request_;
  input_buffer input_;
  http::detail::head_parser parser_;
  http::detail::framing_error error_;  ///< of the request, to be answered
  http::detail::body_decoder decoder_;
  intrusive_ptr<reader_state> body_;
  std::string output_;
  wait_list writers_;
  aio::detail::move_only_function<void()> shutdown_callback_;
  time_point started_{};
  std::size_t requests_ = 0;
  std::uint64_t sent_ = 0;
  int status_ = 0;  ///< of the response that was begun; 0: none
  phase phase_ = phase::waiting;
  body_framing framing_ = body_framing::none;
  bool is_secure_;
  bool is_direct_ = false;  ///< inside of a receive
  bool is_lost_ = false;
  bool is_eof_ = false;      ///< the client sends no more
  bool is_closing_ = false;  ///< no further request is answered
  bool is_writing_paused_ = false;
  bool is_reading_paused_ = false;
  bool is_reading_head_ = false;
  bool has_body_ = false;        ///< the request has one
  bool is_body_wanted_ = false;  ///< or what comes of it is dropped
  bool sends_still_ = false;     ///< it was not read to its end
  bool must_continue_ = false;   ///< the client waits for 100
};

/// Yields whether there is a request, or an error to be answered; false: the end.
///
/// Cancellation: stops waiting.
class connection::request_waiter final : public aio::detail::suspension {
 public:
  explicit request_waiter(connection& of) noexcept : of_(of) {}

  bool await_ready() { return of_.look_for_request(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    of_.waiting_ = this;
    of_.wait_in_line();
    park(frame.promise());
  }
  bool await_resume() {
    of_.waiting_ = nullptr;
    throw_if_cancelled();
    return of_.phase_ != phase::closing;
  }

  /// On the next turn.
  void wake_up() noexcept {
    of_.waiting_ = nullptr;
    wake();
  }
  /// Now.
  void go_on() {
    of_.waiting_ = nullptr;
    resume_frame();
  }

 private:
  bool cancel() noexcept override {
    if (of_.waiting_ != this) return false;
    of_.waiting_ = nullptr;
    call_off();
    return true;
  }

  connection& of_;
};

class [[nodiscard]] connection::next_request {
 public:
  explicit next_request(connection& of) noexcept : of_(of) {}
  request_waiter operator co_await() && noexcept { return request_waiter(of_); }

 private:
  connection& of_;
};

// ----- the transport -----

inline void connection::connection_made(transport& t) {
  link_ = t;
  if (server_->is_full()) {
    constexpr std::string_view busy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: "
        "close\r\n\r\n";
    is_lost_ = true;
    link_.write(busy);
    link_.close();
    return;
  }
  server_->add(*this);
  coro<> body = serve(shared_from_this());
  task_ = aio::detail::start_task(server_->loop.core(), body, {.eager_start = true});
}

inline void connection::buffer_updated(std::size_t size) {
  input_.commit(size);
  if (is_lost_ || phase_ == phase::closing) {
    return input_.consume(input_.data().size());
  }
  if (has_body_) feed_body();
  if (waiting_ == nullptr) {
    // What comes behind the request waits for its response.
    if (!is_body_open() && input_.is_full()) {
      is_reading_paused_ = true;
      link_.pause_reading();
    }
    return;
  }
  if (!look_for_request()) return wait_in_line();
  const std::shared_ptr<connection> keep = shared_from_this();
  output_ = server_->take_output();
  is_direct_ = true;
  waiting_->go_on();
  flush();
  is_direct_ = false;
  server_->give_back(std::move(output_));
}

inline bool connection::eof_received() {
  is_eof_ = true;
  if (is_body_open()) {
    break_body(std::make_exception_ptr(boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the client closed the connection before the end of its request")));
  }
  if (waiting_ != nullptr) {
    phase_ = phase::closing;
    waiting_->wake_up();
    return true;
  }
  // It may only have ended its side, and wait for the answer.
  return phase_ != phase::closing && !server_->limits.handler_cancellation;
}

inline void connection::connection_lost(std::exception_ptr) {
  if (phase_ != phase::taken) is_lost_ = true;
  if (phase_ == phase::closing) server_->remove(*this);
  deadline_line::member::unlink();
  writers_.wake_all();
  if (is_body_open()) {
    break_body(std::make_exception_ptr(boost::system::system_error(
        make_error_code(boost::system::errc::connection_reset),
        "the client closed the connection")));
  }
  if (waiting_ != nullptr) {
    phase_ = phase::closing;
    waiting_->wake_up();
  } else if (task_ && !task_->done() && server_->limits.handler_cancellation) {
    task_->cancel({});
  }
}

inline void connection::deadline_passed() {
  if (phase_ == phase::handling) {
    if (!is_body_open()) return;
    // The handler may be the one that does not read.
    if (!link_.is_reading() || body_->waiter == nullptr) {
      return server_->bodies.enter(*this);
    }
    return break_body(std::make_exception_ptr(request_timeout()));
  }
  if (waiting_ == nullptr) {
    if (phase_ == phase::closing) link_.abort();
    return;
  }
  if (parser_.has_begun() && !is_body_open()) {
    error_ = {408, "the head of a request did not come in time"};
  } else {
    phase_ = phase::closing;
  }
  waiting_->wake_up();
}

// ----- reading -----

inline void connection::feed_body() {
  while (is_body_open() && !input_.empty() && !decoder_.error()) {
    const auto [consumed, payload] = decoder_.next(input_.data());
    if (is_body_wanted_ && !payload.empty()) body_->feed(payload);
    input_.consume(consumed);
  }
  if (decoder_.error()) {
    is_closing_ = true;
    break_body(
        std::make_exception_ptr(bad_request(std::string(decoder_.error().text))));
  } else if (decoder_.is_done()) {
    end_of_body();
  } else if (is_body_wanted_) {
    server_->bodies.enter(*this);
  }
}

inline void connection::end_of_body() noexcept {
  has_body_ = false;
  if (phase_ == phase::handling) deadline_line::member::unlink();
  if (!body_) return;
  body_->feed_eof();
  if (body_->is_paused) link_.resume_reading();
  body_->source = transport();
}

/// Nothing more comes of it, and nothing behind it.
inline void connection::break_body(std::exception_ptr error) noexcept {
  has_body_ = false;
  is_closing_ = true;
  if (!body_) return;
  body_->is_error_last = true;
  body_->set_exception(std::move(error));
}

inline bool connection::look_for_request() {
  if (is_lost_ || is_closing_) phase_ = phase::closing;
  if (phase_ == phase::closing || error_) return true;
  if (is_body_open()) return false;  // of the request before: it is dropped
  if (server_->is_shutting_down() && !parser_.has_begun()) {
    phase_ = phase::closing;
    return true;
  }
  if (input_.empty()) {
    if (!is_eof_) return false;
    phase_ = phase::closing;
    return true;
  }
  if (!request_) request_ = server_->take_request();
  using enum http::detail::parse_state;
  switch (parser_.parse_request(input_.data(), request_->parts().head)) {
    case needs_more:
      if (!is_eof_) return false;
      phase_ = phase::closing;
      return true;
    case refused:
      error_ = parser_.error();
      return true;
    default:
      return true;
  }
}

inline void connection::wait_in_line() {
  if (phase_ == phase::closing || waiting_ == nullptr) return;
  if (is_body_open()) {
    if (!deadline_line::member::is_linked()) server_->lingering.enter(*this);
  } else if (!parser_.has_begun()) {
    if (!deadline_line::member::is_linked()) server_->idle.enter(*this);
  } else if (!is_reading_head_) {
    is_reading_head_ = true;
    server_->heads.enter(*this);
  }
}

inline void connection::begin_request() {
  request_parts& parts = request_->parts();
  deadline_line::member::unlink();
  is_reading_head_ = false;
  phase_ = phase::handling;
  ++requests_;
  status_ = 0;
  sent_ = 0;
  parts.on = this;
  if (server_->limits.access_log != nullptr) started_ = server_->loop.time();
  if (error_) return;
  input_.keep(parser_.size());
  parser_.reset();
  parts.split_target();
  must_continue_ = parts.head.expect_continue;
  has_body_ = parts.head.has_body();
  if (!has_body_) return;
  decoder_ = http::detail::body_decoder::of_request(parts.head);
  is_body_wanted_ = true;
  body_ = intrusive_ptr<reader_state>(new reader_state(64 * 1024));
  body_->source = link_;
  feed_body();
}

inline void connection::expect_body() {
  if (!std::exchange(must_continue_, false) || !is_body_open() || is_lost()) return;
  if (status_ != 0) return;
  emit([](std::string& to) { to += "HTTP/1.1 100 Continue\r\n\r\n"; });
}

// ----- the task -----

inline coro<> connection::serve(std::shared_ptr<connection> self) {
  connection& c = *self;
  std::exception_ptr cancelled;
  int in_a_row = 0;
  for (;;) {
    bool has_request = false;
    try {
      has_request = co_await next_request(c);
    } catch (const cancelled_error&) {
      cancelled = std::current_exception();
    }
    if (!has_request) break;
    c.begin_request();
    std::optional<response> made;
    std::exception_ptr failure;
    if (c.error_) {
      failure = std::make_exception_ptr(
          http_exception(c.error_.status, std::string(c.error_.text)));
    } else {
      try {
        made.emplace(co_await c.server_->app->handle(*c.request_));
        if (!made->is_sent() && c.watches_responses()) {
          co_await c.before_response(*c.request_, *made);
        }
      } catch (const cancelled_error&) {
        cancelled = std::current_exception();
      } catch (...) {
        failure = std::current_exception();
      }
      if (cancelled) break;
    }
    if (failure) made = c.response_for(failure);
    if (!made || c.phase_ == phase::taken) break;
    if (made->source() != nullptr && c.status_ == 0) {
      try {
        co_await c.send_source(*made);
      } catch (const cancelled_error&) {
        cancelled = std::current_exception();
      } catch (...) {
        failure = std::current_exception();
      }
      if (cancelled) break;
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
    if (c.is_writing_paused_ && !c.is_lost_) {
      try {
        co_await writing_room(c);
      } catch (const cancelled_error&) {
        cancelled = std::current_exception();
      }
      if (cancelled) break;
    }
    if (++in_a_row % greedy_requests == 0 && !c.input_.empty()) {
      co_await sleep(duration::zero());
    }
  }
  c.end();
  if (cancelled) {
    c.link_.abort();
    std::rethrow_exception(cancelled);
  }
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

// ----- writing -----

inline void connection::send(response& what) {
  if (what.is_sent() || status_ != 0) {
    if (status_ == 0 || !what.is_sent()) {
      server_->loop.core().call_exception_handler(
          {status_ == 0 ? "a handler says that it sent a response, and did not"
                        : "a handler returned a response after it sent another",
           nullptr,
           {}});
      is_closing_ = true;
      link_.abort();
      return;
    }
    return end_body();
  }
  const int status = what.status();
  const bool has_no_body = status < 200 || status == 204 || status == 304;
  const bool keep = may_keep(what);
  const response_start start{
      status,
      what.reason(),
      what.headers(),
      what.body().empty() ? std::string_view() : what.default_content_type(),
      has_no_body ? body_framing::none : body_framing::length,
      what.body().size(),
      keep};
  status_ = status;
  if (!keep) is_closing_ = true;
  const bool sends_body = !has_no_body && request_->method() != "HEAD";
  const bool is_large = sends_body && what.body().size() >= worth_no_copy;
  emit([&](std::string& to) {
    write_response_head(to, start, request_->minor_version(), server_->date());
    if (sends_body && !is_large) to += what.body();
  });
  if (is_large) {
    flush();
    sent_ += what.body().size();
    if (!is_lost_) link_.write(what.body());
  }
}

inline void connection::start_response(request&, const response_start& given) {
  if (status_ != 0) throw usage_error("the request was answered already");
  response_start start = given;
  const bool is_head = request_->method() == "HEAD";
  start.keep_alive =
      may_keep(given.keep_alive) && start.framing != body_framing::until_close;
  if (!start.keep_alive) is_closing_ = true;
  status_ = start.status;
  framing_ = is_head ? body_framing::none : start.framing;
  emit([&](std::string& to) {
    write_response_head(to, start, request_->minor_version(), server_->date());
  });
}

inline void connection::write_body(std::string_view bytes) {
  if (framing_ == body_framing::none || bytes.empty()) return;
  if (bytes.size() < worth_no_copy) {
    emit([&](std::string& to) {
      if (framing_ == body_framing::chunked) {
        http::detail::write_chunk(to, bytes);
      } else {
        to += bytes;
      }
    });
    return;
  }
  flush();
  sent_ += bytes.size();
  if (framing_ == body_framing::chunked) {
    const http::detail::chunk_head size(bytes.size());
    const std::string_view pieces[] = {size, bytes, "\r\n"};
    link_.writelines(pieces);
  } else {
    link_.write(bytes);
  }
}

inline void connection::end_body() {
  if (framing_ == body_framing::chunked) {
    emit([](std::string& to) { to += http::detail::last_chunk; });
  }
  framing_ = body_framing::none;
}

inline taken_connection connection::take_over(const http::headers& fields,
                                              std::shared_ptr<base_protocol> next) {
  require_client(*this);
  if (status_ != 0) throw usage_error("the request was answered already");
  if (request_->minor_version() == 0) throw usage_error("HTTP/1.0 has no upgrades");
  if (is_body_open()) throw usage_error("the body of the request was not read");
  emit([&](std::string& to) {
    to += "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n";
    append_fields(to, fields, given_fields(fields));
    to += "\r\n";
  });
  flush();
  status_ = 101;
  deadline_line::member::unlink();
  link_.pause_reading();
  link_.set_protocol(std::move(next));
  phase_ = phase::taken;
  taken_connection taken{link_, std::string(input_.data())};
  input_.consume(taken.unread.size());
  return taken;
}

}  // namespace aio::web::detail
