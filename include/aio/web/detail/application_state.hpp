// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What an application consists of, and how it answers.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/exception_group.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/web/detail/path_pattern.hpp>
#include <aio/web/detail/router.hpp>
#include <aio/web/handler.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/keys.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace aio::web {

class application;

namespace detail {

/// Something that is set up before the first request and taken down after the last.
class cleanup_context {
 public:
  virtual ~cleanup_context() = default;
  virtual coro<> start(const application& app) = 0;
  virtual coro<> stop(const application& app) = 0;
};

using app_callback = aio::detail::move_only_function<coro<>(const application&)>;
using response_callback =
    aio::detail::move_only_function<coro<>(request&, response_base&)>;

class application_state : public std::enable_shared_from_this<application_state> {
 public:
  // ----- before it serves -----

  void check_open(const char* what) const {
    if (is_frozen_) {
      throw usage_error(std::string("the application serves already: ") + what +
                        " must come before");
    }
  }

  resource& resource_at(std::string_view path, std::string_view name) {
    check_open("routes");
    check_name(name);
    // As in aiohttp: what follows at the same path is added to it.
    if (!resources_.empty() && resources_.back()->pattern.text() == path &&
        name.empty()) {
      return *resources_.back();
    }
    auto made = std::make_unique<resource>(path, this);
    resources_.push_back(std::move(made));
    if (!name.empty()) named_.emplace(name, resources_.back().get());
    return *resources_.back();
  }

  void add_route(resource& to, std::string_view method, handler call) {
    if (method != "*" && !http::detail::is_token(method)) {
      throw std::invalid_argument("not a method: '" + std::string(method) + "'");
    }
    for (const auto& one : to.routes) {
      if (one->method == method || one->method == "*") {
        throw usage_error("there is a route for " + std::string(method) + " " +
                          to.pattern.text() + " already");
      }
    }
    to.routes.push_back(
        std::make_unique<route>(route{std::string(method), std::move(call), &to}));
  }

  void mount(std::string_view prefix, const std::shared_ptr<application_state>& sub) {
    check_open("sub-applications");
    if (sub->parent_ != nullptr || sub.get() == this) {
      throw usage_error("this application is mounted already");
    }
    sub->check_open("mounting it");
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (prefix.empty() || !path_pattern(prefix).is_literal()) {
      throw std::invalid_argument("a sub-application needs a literal prefix");
    }
    sub->parent_ = this;
    sub->add_prefix(prefix);
    subs_.push_back(sub);
  }

  void use(middleware one) {
    check_open("middlewares");
    middlewares_.push_back(std::make_unique<middleware>(std::move(one)));
  }

  std::string url_for(std::string_view name, std::span<const named_text> fields) const {
    const auto found = named_.find(std::string(name));
    if (found == named_.end()) {
      throw std::invalid_argument("no route is named '" + std::string(name) + "'");
    }
    return found->second->pattern.build(fields);
  }

  /// No more changes.
  void freeze() {
    if (std::exchange(is_frozen_, true)) return;
    router_ = std::make_unique<router>();
    index_into(*router_, {});
  }
  bool is_frozen() const noexcept { return is_frozen_; }

  // ----- requests -----

  /// The response, or an exception; see http_exception.
  coro<response> handle(request& req) const {
    request_parts& parts = req.parts();
    router_->resolve(parts);
    if (parts.found == nullptr) return refuse(req);
    const middleware_chain& around = parts.app->chain_;
    if (around.empty()) return parts.found->call(req);
    return next(around, 0, parts.found->call)(req);
  }

  /// Whether there is a handler, in all that is served together.
  bool has_route(std::string_view method, std::string_view path) const {
    const application_state* outermost = this;
    while (outermost->parent_ != nullptr) outermost = outermost->parent_;
    request_parts wanted;
    wanted.head.method = method;
    wanted.path = path;
    outermost->router_->resolve(wanted);
    return wanted.has_route();
  }

  // ----- its life -----

  coro<> startup();
  coro<> shutdown();
  coro<> cleanup();

  std::size_t client_max_size = 1024 * 1024;
  keyed_values values;
  std::vector<app_callback> on_startup;
  std::vector<app_callback> on_shutdown;
  std::vector<app_callback> on_cleanup;
  std::vector<response_callback> on_response_prepare;
  std::vector<std::unique_ptr<cleanup_context>> contexts;

  bool watches_responses() const noexcept {
    for (const application_state* one = this; one != nullptr; one = one->parent_) {
      if (!one->on_response_prepare.empty()) return true;
    }
    return false;
  }
  coro<> before_response(request& req, response_base& what) const {
    std::vector<const application_state*> path;
    for (const application_state* one = this; one != nullptr; one = one->parent_) {
      path.push_back(one);
    }
    for (auto one = path.rbegin(); one != path.rend(); ++one) {
      for (const response_callback& call : (*one)->on_response_prepare) {
        co_await call(req, what);
      }
    }
  }

 private:
  void check_name(std::string_view name) const {
    if (name.empty()) return;
    for (const char c : name) {
      if (is_unreserved(c) || c == ':') continue;
      throw std::invalid_argument("not the name of a route: '" + std::string(name) +
                                  "'");
    }
    if (named_.contains(std::string(name))) {
      throw std::invalid_argument("a route is named '" + std::string(name) +
                                  "' already");
    }
  }

  void add_prefix(std::string_view prefix) {
    prefix_ = std::string(prefix) + prefix_;
    for (const auto& one : resources_) {
      one->pattern = path_pattern(std::string(prefix) + one->pattern.text());
    }
    for (const auto& sub : subs_) sub->add_prefix(prefix);
  }

  void index_into(router& to, middleware_chain around) {
    is_frozen_ = true;
    chain_ = std::move(around);
    for (const auto& one : middlewares_) chain_.push_back(one.get());
    for (const auto& one : resources_) to.add(*one);
    for (const auto& sub : subs_) sub->index_into(to, chain_);
  }

  /// The innermost application whose prefix the path has.
  const application_state& nearest(std::string_view path) const noexcept {
    for (const auto& sub : subs_) {
      if (!path.starts_with(sub->prefix_)) continue;
      const std::string_view rest = path.substr(sub->prefix_.size());
      if (rest.empty() || rest.starts_with('/')) return sub->nearest(path);
    }
    return *this;
  }

  coro<response> refuse(request& req) const {
    const application_state& of = nearest(req.raw_path());
    req.parts().app = const_cast<application_state*>(&of);
    if (of.chain_.empty()) return refusal_(req);
    return next(of.chain_, 0, refusal_)(req);
  }

  static coro<response> throw_refusal(request& req, const router& with) {
    std::vector<std::string_view> allowed;
    with.resolve(req.parts(), &allowed);
    if (allowed.empty()) throw not_found();
    std::sort(allowed.begin(), allowed.end());
    allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
    std::string list;
    for (const std::string_view method : allowed) {
      if (!list.empty()) list += ", ";
      list += method;
    }
    throw method_not_allowed(list);
    co_return response();
  }

  std::vector<std::unique_ptr<resource>> resources_;
  std::unordered_map<std::string, const resource*> named_;
  std::vector<std::unique_ptr<middleware>> middlewares_;
  std::vector<std::shared_ptr<application_state>> subs_;
  application_state* parent_ = nullptr;
  std::string prefix_;
  bool is_frozen_ = false;
  std::size_t started_contexts_ = 0;

  // When it is frozen.
  std::unique_ptr<router> router_;  // of the outermost
  middleware_chain chain_;
  handler refusal_{[this](request& req) { return throw_refusal(req, *router_); }};
};

/// Runs all of the calls, also after one that failed.
///
/// Throws: what failed; an exception_group of several
class collected_errors {
 public:
  void add(std::exception_ptr error) { errors_.push_back(std::move(error)); }
  void rethrow(const char* what) {
    if (errors_.empty()) return;
    if (errors_.size() == 1) std::rethrow_exception(errors_.front());
    throw exception_group(what, std::move(errors_));
  }

 private:
  std::vector<std::exception_ptr> errors_;
};

}  // namespace detail
}  // namespace aio::web
