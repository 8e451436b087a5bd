// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Where a request goes: the parts of its URL.

#pragma once

#include <aio/http/detail/framing_fields.hpp>
#include <aio/http/detail/percent.hpp>
#include <aio/http/error.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aio::http::detail {

/// An http or https URL in parts, checked and as it is sent.
struct request_url {
  bool is_tls = false;
  std::string host;  ///< without brackets, in lower case
  std::uint16_t port = 0;
  std::string target;    ///< "/path?query"
  std::string user;      ///< decoded
  std::string password;  ///< decoded
  bool has_userinfo = false;

  std::string scheme() const { return is_tls ? "https" : "http"; }
  bool has_usual_port() const noexcept { return port == (is_tls ? 443 : 80); }

  /// "example.org", "[::1]:8080"
  std::string host_field() const {
    std::string out = host.find(':') == host.npos ? host : "[" + host + "]";
    if (!has_usual_port()) out += ":" + std::to_string(port);
    return out;
  }
  std::string origin() const { return scheme() + "://" + host_field(); }
  /// All of it but user, password and fragment.
  std::string text() const { return origin() + target; }
  std::string_view path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
  }
};

/// What may stand in a URL but is often written without escapes gets them.
///
/// Throws: invalid_url – what makes it another URL for others: control bytes, backslashes
///         and, unless `is_lenient`, spaces
inline std::string requoted(std::string_view text, bool is_lenient) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\' || (c == ' ' && !is_lenient)) {
      throw invalid_url("not a URL: " + quoted(text));
    }
    const bool is_escape = c == '%' && i + 2 < text.size() &&
                           hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (byte >= 0x80 || std::string_view(" \"<>^`{|}").find(c) != text.npos ||
        (c == '%' && !is_escape)) {
      append_escaped(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

/// Throws: invalid_url, non_http_url
inline request_url split_url(const boost::urls::url_view_base& url,
                             std::string_view text) {
  request_url parts;
  std::string scheme;
  for (const char c : std::string_view(url.scheme())) scheme += to_lower(c);
  if (scheme == "https" || scheme == "wss") {
    parts.is_tls = true;
  } else if (scheme != "http" && scheme != "ws") {
    throw non_http_url("not an http or https URL: " + quoted(text));
  }
  for (const char c : std::string_view(url.encoded_host())) parts.host += to_lower(c);
  if (parts.host.empty() || !is_host(parts.host) ||
      parts.host.find('%') != parts.host.npos) {
    throw invalid_url("a URL without a valid host: " + quoted(text));
  }
  if (parts.host.front() == '[')
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  parts.port = parts.is_tls ? 443 : 80;
  if (url.has_port() && !url.port().empty()) {
    const auto port = parse_content_length(std::string_view(url.port()));
    if (!port || *port == 0 || *port > 65535) {
      throw invalid_url("the port is not valid: " + quoted(text));
    }
    parts.port = static_cast<std::uint16_t>(*port);
  }
  if (url.has_userinfo()) {
    parts.has_userinfo = true;
    parts.user = percent_decoded(url.encoded_user());
    parts.password = percent_decoded(url.encoded_password());
  }
  parts.target = std::string(std::string_view(url.encoded_path()));
  if (parts.target.empty()) parts.target = "/";
  if (url.has_query()) {
    parts.target.append("?").append(std::string_view(url.encoded_query()));
  }
  return parts;
}

/// Throws: invalid_url, non_http_url
inline request_url parse_url(std::string_view text, std::string_view base = {},
                             bool is_lenient = false) {
  const std::string own = requoted(text, is_lenient);
  const auto given = boost::urls::parse_uri_reference(own);
  if (!given) throw invalid_url("not a URL: " + quoted(text));
  if (given->has_scheme()) {
    return split_url(*given, text);
  }
  if (base.empty()) throw invalid_url("not a complete URL: " + quoted(text));
  const auto from = boost::urls::parse_uri(base);
  if (!from) throw invalid_url("not a URL: " + quoted(base));
  boost::urls::url resolved(*from);
  if (!resolved.resolve(*given)) {
    throw invalid_url("not a URL: " + quoted(text));
  }
  return split_url(resolved, text);
}

}  // namespace aio::http::detail
