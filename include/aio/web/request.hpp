// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// request: what a client asks for.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/http/date.hpp>
#include <aio/http/detail/message_head.hpp>
#include <aio/http/detail/percent.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/transport.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/detail/form.hpp>
#include <aio/web/detail/multipart.hpp>
#include <aio/web/form_data.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/keys.hpp>
#include <aio/web/text_map.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace aio::web {

class application;

namespace detail {

class application_state;
struct route;

/// What is known of a request. Used again for the next: it keeps its memory.
struct request_parts {
  http::detail::message_head head;
  exchange* on = nullptr;
  application_state* app = nullptr;
  const route* found = nullptr;  ///< null: none was found
  std::string_view path;         ///< of the target, as it came
  std::string_view query_string;
  std::vector<std::pair<std::string_view, std::string>> fields;  ///< of the path

  // Made when they are asked for.
  std::string decoded_path;
  http::headers headers;
  std::optional<text_map> query;
  std::optional<text_map> cookies;
  std::optional<std::string> body;
  std::optional<form_data> form;
  keyed_values values;

  void clear() noexcept {
    head.clear();
    fields.clear();
    decoded_path.clear();
    headers.clear();
    query.reset();
    cookies.reset();
    body.reset();
    form.reset();
    if (!values.empty()) values.clear();
    path = query_string = {};
    found = nullptr;
    app = nullptr;
  }

  bool has_route() const noexcept { return found != nullptr; }

  /// After the head is complete.
  void split_target() noexcept {
    std::string_view rest = head.target;
    if (head.form == http::detail::target_form::absolute) {
      rest.remove_prefix(rest.find("://") + 3);
      const std::size_t slash = rest.find_first_of("/?");
      rest = slash == rest.npos ? std::string_view("/") : rest.substr(slash);
      if (rest.front() == '?') {
        path = "/";
        query_string = rest.substr(1);
        return;
      }
    }
    const std::size_t question = rest.find('?');
    path = rest.substr(0, question);
    query_string =
        question == rest.npos ? rest.substr(rest.size()) : rest.substr(question + 1);
  }
};

}  // namespace detail

/// What a client asks for. A handler is given a reference that is valid until it ends;
/// so are the views of the members.
///
/// Like: aiohttp.web.Request
class request {
 public:
  request() = default;
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  std::string_view method() const noexcept { return parts_.head.method; }
  /// As it came: path and query, still encoded.
  std::string_view target() const noexcept { return parts_.head.target; }
  /// Decoded; the text of what was asked for, not a path to open.
  std::string_view path() {
    if (parts_.path.find('%') == std::string_view::npos) return parts_.path;
    if (parts_.decoded_path.empty()) {
      http::detail::percent_decode_to(parts_.decoded_path, parts_.path);
    }
    return parts_.decoded_path;
  }
  std::string_view raw_path() const noexcept { return parts_.path; }
  std::string_view query_string() const noexcept { return parts_.query_string; }
  /// 1 of HTTP/1.1.
  int minor_version() const noexcept { return parts_.head.minor_version; }

  /// The fields of the query: `?name=value&name=value`.
  const text_map& query() {
    if (!parts_.query) parts_.query = detail::parse_form(parts_.query_string);
    return *parts_.query;
  }

  const http::headers& headers() {
    if (parts_.headers.empty()) parts_.headers = copy_headers(parts_.head);
    return parts_.headers;
  }
  /// The value of the first header of this name; empty if there is none.
  std::string_view header(std::string_view name) const noexcept {
    const std::string_view* const found = parts_.head.find(name);
    return found == nullptr ? std::string_view() : *found;
  }

  const text_map& cookies() {
    if (!parts_.cookies) {
      parts_.cookies.emplace();
      for (const auto& [name, value] : parts_.head.fields) {
        if (http::detail::equal_ignoring_case(name, "cookie")) {
          detail::parse_cookies(value, *parts_.cookies);
        }
      }
    }
    return *parts_.cookies;
  }

  /// What the client calls this server; empty if it does not (HTTP/1.0).
  std::string_view host() const noexcept { return parts_.head.host; }
  std::string_view scheme() const { return parts_.on->is_secure() ? "https" : "http"; }
  /// The address of the peer; behind a proxy that of the proxy.
  endpoint remote() const { return parts_.on->link().peername(); }
  /// Null once the client is gone.
  transport* connection() const noexcept {
    return parts_.on->is_lost() ? nullptr : &parts_.on->link();
  }
  bool keep_alive() const noexcept { return parts_.head.keep_alive; }

  /// The media type of the body, without parameters; application/octet-stream if none
  /// is given.
  std::string_view content_type() const noexcept {
    const std::string_view* const field = parts_.head.find("content-type");
    if (field == nullptr) return "application/octet-stream";
    return detail::without_spaces(field->substr(0, field->find(';')));
  }
  /// The charset of the body; empty if none is given.
  std::string_view charset() const noexcept {
    return detail::parameter(header("content-type"), "charset");
  }
  std::optional<std::uint64_t> content_length() const noexcept {
    return parts_.head.content_length;
  }
  std::optional<std::chrono::sys_seconds> if_modified_since() const {
    return http::parse_date(header("if-modified-since"));
  }

  /// What stands for `{name}` in the path, decoded; or `otherwise`.
  std::string_view match_info(std::string_view name,
                              std::string_view otherwise = {}) const noexcept {
    for (const auto& [field, value] : parts_.fields) {
      if (field == name) return value;
    }
    return otherwise;
  }
  /// The same as a number.
  ///
  /// Throws: not_found – it is none, or not in the range of T
  template <std::integral T>
  T match(std::string_view name) const {
    const std::string_view text = match_info(name);
    T value{};
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw not_found();
    return value;
  }

  // ----- the body -----

  bool can_read_body() const noexcept { return parts_.head.has_body(); }

  /// The body as it comes. What is not read from here is not in read(), and
  /// client_max_size does not apply.
  ///
  /// Like: request.content
  stream_reader content() {
    if (detail::reader_state* const body = parts_.on->body()) {
      parts_.on->expect_body();
      return stream_reader(detail::intrusive_ptr<detail::reader_state>(body));
    }
    stream_reader none;
    none.feed_eof();
    return none;
  }

  /// All of the body. It is kept: a second call yields the same.
  ///
  /// Cancellation: stops waiting; the body is then incomplete.
  /// Throws:       content_too_large – more than client_max_size;
  ///               boost::system::system_error – the client is gone; bad_request – it
  ///               does not keep to the rules of HTTP; cancelled_error
  coro<const std::string&> read() {
    if (parts_.body) co_return *parts_.body;
    const std::size_t most = parts_.on->client_max_size();
    if (parts_.head.content_length.value_or(0) > most) throw content_too_large();
    std::string body;
    stream_reader from = content();
    for (;;) {
      const std::string some = co_await from.read(64 * 1024);
      if (some.empty()) break;
      if (some.size() > most - body.size()) throw content_too_large();
      body += some;
    }
    co_return parts_.body.emplace(std::move(body));
  }
  /// The same; the charset is for the caller to mind.
  ///
  /// Cancellation, Throws: see read
  coro<const std::string&> text() { return read(); }

  /// The body as JSON, or the T that boost::json::value_to makes of it. Needs
  /// aio/web/json.hpp.
  ///
  /// Cancellation: see read
  /// Throws:       as read(); bad_request – no JSON, or no T
  template <class T>
  coro<T> json();

  /// The fields and files of a form, sent as application/x-www-form-urlencoded or
  /// multipart/form-data; empty for any other body. It is kept.
  ///
  /// Cancellation: see read
  /// Throws:       as read(); bad_request – no valid multipart body
  coro<const form_data&> post() {
    if (parts_.form) co_return *parts_.form;
    const std::string_view type = content_type();
    form_data form;
    if (http::detail::equal_ignoring_case(type, "application/x-www-form-urlencoded")) {
      const std::string& body = co_await read();
      form = form_data(detail::parse_form(body), {});
    } else if (http::detail::equal_ignoring_case(type, "multipart/form-data")) {
      const std::string& body = co_await read();
      form = detail::parse_multipart(
          body, detail::parameter(header("content-type"), "boundary"));
    }
    co_return parts_.form.emplace(std::move(form));
  }

  // ----- beside the message -----

  /// Keeps a value for those who handle the request after us.
  template <class T>
  void set(const app_key<T>& key, T value) {
    parts_.values.set(key, std::move(value));
  }
  /// Throws: std::out_of_range – nothing was set
  template <class T>
  T& operator[](const app_key<T>& key) const {
    return parts_.values.at(key);
  }
  template <class T>
  T* find(const app_key<T>& key) const noexcept {
    return parts_.values.find(key);
  }

  /// The application whose handler this is.
  inline application app() const;

  /// Answers 101 with these fields (and Connection: upgrade), and gives the connection
  /// away: from here on `next` gets its callbacks, without connection_made(), and
  /// reading is paused. The handler goes on and owns the conversation; what it returns
  /// is not sent, and after its end the connection is closed.
  ///
  ///     auto [transport, unread] = req.take_over(fields, my_protocol);
  ///     my_protocol->begin(transport, unread);
  ///     transport.resume_reading();
  ///
  /// Throws: usage_error – a response was begun, the body of the request was not read,
  ///         or it is a request of HTTP/1.0; boost::system::system_error – the client
  ///         is gone
  taken_connection take_over(const http::headers& fields,
                             std::shared_ptr<base_protocol> next) {
    return parts_.on->take_over(fields, std::move(next));
  }
  /// Calls `f()` when the server begins to shut down while this request is handled.
  void on_server_shutdown(aio::detail::move_only_function<void()> f) {
    parts_.on->on_shutdown(std::move(f));
  }

  /// For the machinery.
  detail::request_parts& parts() noexcept { return parts_; }
  const detail::request_parts& parts() const noexcept { return parts_; }

 private:
  detail::request_parts parts_;
};

}  // namespace aio::web
