// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// cookie_jar: what servers have asked a client to send back.

#pragma once

#include <aio/http/date.hpp>
#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/framing_fields.hpp>
#include <aio/http/detail/request_url.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aio::http {

/// One cookie, and where it is sent.
struct cookie {
  std::string name;
  std::string value;
  std::string domain;  ///< a host, in lower case
  std::string path = "/";
  bool is_host_only = true;  ///< not to hosts below the domain
  bool is_secure = false;    ///< over TLS only
  /// None: until the session ends.
  std::optional<std::chrono::system_clock::time_point> expires = {};
};

namespace detail {

inline bool is_ip_address(std::string_view host) noexcept {
  return host.find(':') != host.npos ||
         std::all_of(host.begin(), host.end(),
                     [](char c) { return is_digit(c) || c == '.'; });
}

/// Whether `host` is `domain` or below it.
inline bool domain_matches(std::string_view host, std::string_view domain) noexcept {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_ip_address(host);
}

inline bool path_matches(std::string_view path, std::string_view prefix) noexcept {
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || prefix.ends_with('/') ||
         path[prefix.size()] == '/';
}

/// The folder of a request's path (RFC 6265 §5.1.4).
inline std::string_view default_path(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? std::string_view("/")
                                          : path.substr(0, slash);
}

/// A Set-Cookie field that came from `url`; none if it must be ignored. A cookie to be
/// removed has expired already.
inline std::optional<cookie> parse_set_cookie(
    std::string_view field, const request_url& url,
    std::chrono::system_clock::time_point now) {
  const auto next_part = [&field] {
    const std::size_t end = std::min(field.find(';'), field.size());
    const std::string_view part = trimmed(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    return part;
  };
  const std::string_view pair = next_part();
  const std::size_t equals = pair.find('=');
  if (equals == pair.npos) return std::nullopt;
  cookie made;
  made.name = trimmed(pair.substr(0, equals));
  made.value = trimmed(pair.substr(equals + 1));
  if (made.name.empty() || made.name.size() + made.value.size() > 4096) {
    return std::nullopt;
  }
  made.domain = url.host;
  made.path = default_path(url.path());
  bool has_max_age = false;
  while (!field.empty()) {
    const std::string_view part = next_part();
    const std::size_t at = std::min(part.find('='), part.size());
    const std::string_view name = trimmed(part.substr(0, at));
    std::string_view value = trimmed(part.substr(std::min(at + 1, part.size())));
    if (equal_ignoring_case(name, "secure")) {
      made.is_secure = true;
    } else if (equal_ignoring_case(name, "path")) {
      if (value.starts_with('/')) made.path = value;
    } else if (equal_ignoring_case(name, "domain")) {
      if (value.starts_with('.')) value.remove_prefix(1);
      if (value.empty()) continue;
      std::string domain;
      for (const char c : value) domain += to_lower(c);
      // A cookie for a whole "com" would go to everybody.
      if (!domain_matches(url.host, domain) ||
          (domain != url.host && domain.find('.') == domain.npos)) {
        return std::nullopt;
      }
      made.is_host_only = is_ip_address(domain);
      made.domain = domain;
    } else if (equal_ignoring_case(name, "max-age")) {
      const bool negative = value.starts_with('-');
      const auto seconds = parse_content_length(value.substr(negative ? 1 : 0));
      if (!seconds) continue;
      constexpr std::uint64_t most = 400 * 24 * 3600;  // as browsers cut it
      has_max_age = true;
      made.expires = negative || *seconds == 0
                         ? std::chrono::system_clock::time_point::min()
                         : now + std::chrono::seconds(std::min(*seconds, most));
    } else if (equal_ignoring_case(name, "expires") && !has_max_age) {
      if (const auto date = parse_date(value)) made.expires = *date;
    }
  }
  if (made.is_secure && !url.is_tls) return std::nullopt;
  return made;
}

}  // namespace detail

/// The cookies of a session: takes them from responses and says what to send (RFC 6265).
/// It does not know the list of public suffixes. Cookies of IP addresses are refused, as
/// these have no names to belong to, except if it is `unsafe`.
///
/// Like: aiohttp.CookieJar
class cookie_jar {
 public:
  using time_point = std::chrono::system_clock::time_point;

  explicit cookie_jar(bool unsafe = false) noexcept : unsafe_(unsafe) {}

  /// Takes what a Set-Cookie field from this URL says.
  ///
  /// Throws: invalid_url
  void update(std::string_view set_cookie, std::string_view url) {
    update(set_cookie, detail::parse_url(url), std::chrono::system_clock::now());
  }
  inline void update(std::string_view set_cookie, const detail::request_url& url,
                     time_point now);
  /// Puts in a cookie of the program's own.
  inline void add(cookie one);

  /// "a=1; b=2": what to send to this URL; empty if nothing.
  ///
  /// Throws: invalid_url
  std::string header_for(std::string_view url) {
    return header_for(detail::parse_url(url), std::chrono::system_clock::now());
  }
  inline std::string header_for(const detail::request_url& url, time_point now);

  void clear() noexcept { all_.clear(); }
  std::size_t size() const noexcept { return all_.size(); }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }

 private:
  // A server cannot fill the memory.
  static constexpr std::size_t most = 3000;

  void drop_expired(time_point now) {
    std::erase_if(all_,
                  [now](const cookie& c) { return c.expires && *c.expires <= now; });
  }

  std::vector<cookie> all_;
  bool unsafe_;
};

inline void cookie_jar::add(cookie one) {
  std::erase_if(all_, [&](const cookie& c) {
    return c.name == one.name && c.domain == one.domain && c.path == one.path;
  });
  if (all_.size() == most) all_.erase(all_.begin());
  all_.push_back(std::move(one));
}

inline void cookie_jar::update(std::string_view set_cookie,
                               const detail::request_url& url, time_point now) {
  if (!unsafe_ && detail::is_ip_address(url.host)) return;
  if (auto made = detail::parse_set_cookie(set_cookie, url, now)) add(std::move(*made));
  drop_expired(now);
}

inline std::string cookie_jar::header_for(const detail::request_url& url,
                                          time_point now) {
  drop_expired(now);
  std::list<const cookie*> chosen;
  for (const cookie& c : all_) {
    const bool is_host = c.is_host_only ? url.host == c.domain
                                        : detail::domain_matches(url.host, c.domain);
    if (is_host && detail::path_matches(url.path(), c.path) &&
        (url.is_tls || !c.is_secure)) {
      chosen.push_back(&c);
    }
  }
  // Longer paths first, as servers take the first of several of one name.
  chosen.sort([](const cookie* a, const cookie* b) {  // a stable one
    return a->path.size() > b->path.size();
  });
  std::string out;
  for (const cookie* c : chosen) {
    if (!out.empty()) out += "; ";
    out.append(c->name).append("=").append(c->value);
  }
  return out;
}

}  // namespace aio::http
