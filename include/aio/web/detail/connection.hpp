// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of a web server: requests in, responses out.

#pragma once

// Why one task per connection: a handler that does not wait runs inside of the receive
// that brought its request, without a turn of the loop in between, and its response
// leaves before the receive returns. One that waits is resumed as any task.

#include <aio/coro/completion.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/net/detail/reader_state.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>
#include <aio/web/detail/deadline_line.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/detail/input_buffer.hpp>
#include <aio/web/detail/server_core.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

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
  void expect_body() override;
  void start_response(request& of, const response_start& start) override;
  void write_body(std::string_view bytes) override;
  void end_body() override;
  inline taken_connection take_over(const http::headers& fields,
                                    std::shared_ptr<base_protocol> next) override;

  const application_state& app() const noexcept {
    return request_->parts().app != nullptr ? *request_->parts().app : *server_->app;
  }

  // ----- what the transport says -----

  void connection_made(transport& t) override;
  std::span<char> get_buffer(std::size_t) override { return input_.room(); }
  void buffer_updated(std::size_t size) override;
  bool eof_received() override;
  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override { is_writing_paused_ = true; }
  void resume_writing() override {
    is_writing_paused_ = false;
    writers_.wake_all();
  }
  void deadline_passed() override;

  // ----- reading -----

  class request_waiter;
  class next_request;
  void hold_back();
  void feed_body();
  void end_of_body() noexcept;
  /// Whether the task has something to do: a request, or an end.
  bool look_for_request();
  void wait_in_line();
  void begin_request();
  void break_body(std::exception_ptr error) noexcept;
  bool is_body_open() const noexcept { return has_body_ && !decoder_.is_done(); }

  // ----- the task -----

  static coro<> serve(std::shared_ptr<connection> self);
  std::optional<response> response_for(const std::exception_ptr& error);
  void send(response& what);
  std::exception_ptr refusal() const;
  bool needs_waiting(const response& what) const noexcept;
  coro<> send_slowly(response& what);
  coro<> send_source(response& what);
  coro<> compress(response& what);
  void end_request();
  void end();
  void close_gently();
  void log() noexcept;

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
  std::size_t body_left_ = 0;  ///< of the length that was said
  int status_ = 0;             ///< of the response that was begun; 0: none
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

}  // namespace aio::web::detail
