// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// application: routes, state and hooks of a web server.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/task/with.hpp>
#include <aio/web/detail/application_state.hpp>
#include <aio/web/detail/cleanup_contexts.hpp>
#include <aio/web/handler.hpp>
#include <aio/web/keys.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>
#include <aio/web/static_files.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio::web {

struct application_options {
  /// How much of a body read(), text(), json() and post() take before they answer 413.
  std::size_t client_max_size = 1024 * 1024;
};

struct route_options {
  /// For url_for().
  std::string_view name = {};
  /// Whether GET also answers HEAD.
  bool allow_head = true;
};

/// Coroutine functions that are called in the order in which they were appended.
///
/// Like: aiohttp's signals
template <class... Args>
class signal {
  using call = aio::detail::move_only_function<coro<>(Args...)>;

 public:
  signal(std::shared_ptr<detail::application_state> of, std::vector<call>& calls)
      : of_(std::move(of)), calls_(&calls) {}

  /// `f` takes what the signal is sent with, or nothing, and is a coroutine function.
  ///
  /// Throws: usage_error – the application serves already
  template <class F>
  void append(F f) const {
    of_->check_open("callbacks");
    if constexpr (std::invocable<F&, Args...>) {
      calls_->emplace_back(std::move(f));
    } else {
      calls_->emplace_back(
          [f = std::move(f)](Args...) mutable { return std::invoke(f); });
    }
  }

 private:
  std::shared_ptr<detail::application_state> of_;
  std::vector<call>* calls_;
};

/// What a web server does: a handle, cheap to copy.
///
///     aio::web::application app;
///     app.get("/{name}", [](aio::web::request& req) -> aio::coro<aio::web::response> {
///       co_return aio::web::response::text(
///           fmt::format("Hello, {}!", req.match_info("name", "Anonymous")));
///     });
///     co_await aio::web::run_app(app, {.host = "localhost", .port = 8080});
///
/// Routes are found by the longest literal beginning of their paths, then in the order
/// in which they were added. Handlers run in the task of their connection and may
/// await. When the application serves, it is final.
///
/// Like: aiohttp.web.Application
class application {
  std::shared_ptr<detail::application_state> state_;

 public:
  explicit application(const application_options& options = {})
      : application(std::make_shared<detail::application_state>()) {
    state_->client_max_size = options.client_max_size;
  }
  /// For the machinery.
  explicit application(std::shared_ptr<detail::application_state> state)
      : state_(std::move(state)) {}

  friend bool operator==(const application& a, const application& b) noexcept {
    return a.state_ == b.state_;
  }

  // ----- routes -----

  /// Adds a handler for a method ("*": any) and a path: literal text, `{name}` for one
  /// or more characters but no slash, `{name:regex}`. The handler is called with a
  /// request& and returns coro<response>, response, or what becomes one.
  ///
  /// Throws: std::invalid_argument – a bad path, method or name; usage_error – there is
  ///         such a route, or the application serves already
  template <class F>
  requires detail::request_handler<F> application& route(
      std::string_view method, std::string_view path, F f,
      const route_options& options = {}) {
    auto& to = state_->resource_at(path, options.name);
    state_->add_route(to, method, detail::make_handler(std::move(f)));
    return *this;
  }
  /// The same for GET, and for HEAD unless told otherwise.
  template <class F>
  requires detail::request_handler<F> application& get(
      std::string_view path, F f, const route_options& options = {}) {
    auto& to = state_->resource_at(path, options.name);
    if (!options.allow_head) {
      state_->add_route(to, "GET", detail::make_handler(std::move(f)));
      return *this;
    }
    auto shared = std::make_shared<detail::handler>(detail::make_handler(std::move(f)));
    state_->add_route(to, "GET", [shared](request& req) { return (*shared)(req); });
    state_->add_route(to, "HEAD", [shared](request& req) { return (*shared)(req); });
    return *this;
  }
  template <class F>
  application& head(std::string_view path, F f, const route_options& options = {}) {
    return route("HEAD", path, std::move(f), options);
  }
  template <class F>
  application& post(std::string_view path, F f, const route_options& options = {}) {
    return route("POST", path, std::move(f), options);
  }
  template <class F>
  application& put(std::string_view path, F f, const route_options& options = {}) {
    return route("PUT", path, std::move(f), options);
  }
  template <class F>
  application& patch(std::string_view path, F f, const route_options& options = {}) {
    return route("PATCH", path, std::move(f), options);
  }
  /// DELETE, which is a word of C++.
  template <class F>
  application& del(std::string_view path, F f, const route_options& options = {}) {
    return route("DELETE", path, std::move(f), options);
  }
  template <class F>
  application& options(std::string_view path, F f, const route_options& options = {}) {
    return route("OPTIONS", path, std::move(f), options);
  }

  /// Serves the files of a folder under a prefix. Nothing outside of the folder is
  /// served, whatever the path or a symbolic link says; there is no listing.
  ///
  /// Throws: as get(); std::filesystem::filesystem_error – there is no such folder
  application& static_files(std::string_view prefix, const std::string& folder,
                            const static_options& options = {}) {
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    return get(std::string(prefix) + "/{filename:.*}",
               detail::static_handler(folder, options), {.name = options.name});
  }

  /// The path of a named route, with these values in it.
  ///
  ///     app.url_for("user", {{"id", "7"}})
  ///
  /// Throws: std::invalid_argument – no such route, a value too many or too few
  std::string url_for(std::string_view name,
                      const std::vector<std::pair<std::string_view, std::string_view>>&
                          values = {}) const {
    return state_->url_for(name, values);
  }

  /// Puts another application under a prefix. Its middlewares run inside ours, and its
  /// life is part of ours.
  ///
  /// Throws: usage_error – it is mounted already, or one of the two serves;
  ///         std::invalid_argument – no literal prefix
  /// Like:   add_subapp
  application& mount(std::string_view prefix, const application& sub) {
    state_->mount(prefix, sub.state_);
    return *this;
  }

  // ----- around the handlers -----

  /// Adds a middleware around all handlers and around the answers 404 and 405; the
  /// first is the outermost.
  ///
  ///     app.use([](aio::web::request& req,
  ///                aio::web::next next) -> aio::coro<aio::web::response> {
  ///       aio::web::response resp = co_await next(req);
  ///       resp.headers().set("X-Served-By", "aio");
  ///       co_return resp;
  ///     });
  ///
  /// Throws: usage_error – the application serves already
  template <class F>
  requires std::is_invocable_r_v<coro<response>, F&, request&, next> application& use(
      F f) {
    state_->use(detail::middleware(std::move(f)));
    return *this;
  }

  /// Before the first request, in order; a failure keeps the server from starting.
  signal<const application&> on_startup{state_, state_->on_startup};
  /// When the server shuts down, while handlers may still run.
  signal<const application&> on_shutdown{state_, state_->on_shutdown};
  /// After the last request.
  signal<const application&> on_cleanup{state_, state_->on_cleanup};
  /// Before the head of each response is sent; it may change the fields.
  signal<request&, response_base&> on_response_prepare{state_,
                                                       state_->on_response_prepare};

  /// Coroutine functions around the life of the application: `start(app)` before the
  /// first request, `stop(app)` after the last, in reverse order, for those that were
  /// started. Both may leave out the argument.
  ///
  /// Throws: usage_error – the application serves already
  template <class Start, class Stop>
  application& context(Start start, Stop stop) {
    return add(std::make_unique<detail::pair_context<Start, Stop>>(std::move(start),
                                                                   std::move(stop)));
  }
  /// The same as one generator with one co_yield: what is before it starts, what is
  /// behind it stops.
  ///
  /// Like: cleanup_ctx
  template <class F>
  application& context(F f) {
    return add(std::make_unique<detail::generator_context<F>>(std::move(f)));
  }
  /// The same for a resource: enter() and exit().
  template <async_resource R>
  application& with(R resource) {
    return add(std::make_unique<detail::resource_context<R>>(std::move(resource)));
  }

  // ----- state -----

  /// Keeps a value for the handlers.
  ///
  /// Throws: usage_error – the application serves already: change what is kept instead
  template <class T>
  application& set(const app_key<T>& key, T value) {
    state_->check_open("state");
    state_->values.set(key, std::move(value));
    return *this;
  }
  /// Throws: std::out_of_range – nothing was set
  template <class T>
  T& operator[](const app_key<T>& key) const {
    return state_->values.at(key);
  }
  template <class T>
  T* find(const app_key<T>& key) const noexcept {
    return state_->values.find(key);
  }

  /// For the machinery.
  const std::shared_ptr<detail::application_state>& state() const noexcept {
    return state_;
  }

 private:
  application& add(std::unique_ptr<detail::cleanup_context> one) {
    state_->check_open("contexts");
    state_->contexts.push_back(std::move(one));
    return *this;
  }
};

inline application request::app() const {
  return application(parts_.app->shared_from_this());
}

namespace detail {

inline coro<> application_state::startup() {
  freeze();
  const application self(shared_from_this());
  for (const auto& one : contexts) {
    co_await one->start(self);
    ++started_contexts_;
  }
  for (const app_callback& call : on_startup) co_await call(self);
  for (const auto& sub : subs_) co_await sub->startup();
}

inline coro<> application_state::shutdown() {
  const application self(shared_from_this());
  for (const app_callback& call : on_shutdown) co_await call(self);
  for (const auto& sub : subs_) co_await sub->shutdown();
}

inline coro<> application_state::cleanup() {
  const application self(shared_from_this());
  collected_errors errors;
  for (auto sub = subs_.rbegin(); sub != subs_.rend(); ++sub) {
    try {
      co_await (*sub)->cleanup();
    } catch (const std::exception&) {
      errors.add(std::current_exception());
    }
  }
  for (const app_callback& call : on_cleanup) {
    try {
      co_await call(self);
    } catch (const std::exception&) {
      errors.add(std::current_exception());
    }
  }
  while (started_contexts_ > 0) {
    cleanup_context& last = *contexts[--started_contexts_];
    try {
      co_await last.stop(self);
    } catch (const std::exception&) {
      errors.add(std::current_exception());
    }
  }
  errors.rethrow("several errors while an application was cleaned up");
}

}  // namespace detail
}  // namespace aio::web
