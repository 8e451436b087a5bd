// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What can go wrong with a request, as a tree of exceptions.

#pragma once

#include <aio/core/error.hpp>
#include <aio/http/headers.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace aio::http {

// Why these are no std::exceptions: an error of a connection is also an error of the
// system, and a timeout of a connection also an aio::timeout_error. With std::exception
// above both sides, `catch (const std::exception&)` would be ambiguous and catch neither.
// So the kinds are a tree of their own, and each exception that is thrown is of one kind
// and of one of the classes of the standard library.

/// Whatever went wrong with a request.
///
///     client_error
///     ├─ client_response_error         the answer is not what was wanted
///     │  ├─ content_type_error           no JSON, though it was asked for
///     │  ├─ ws_server_handshake_error
///     │  ├─ client_http_proxy_error      the proxy refuses
///     │  └─ too_many_redirects
///     ├─ client_connection_error       the connection
///     │  ├─ client_os_error              (a system_error)
///     │  │  ├─ client_connector_error      could not be made
///     │  │  │  └─ client_connector_dns_error
///     │  │  └─ client_ssl_error            TLS failed
///     │  │     └─ client_connector_certificate_error
///     │  ├─ server_disconnected_error    was closed before there was an answer
///     │  └─ server_timeout_error         (an aio::timeout_error)
///     │     ├─ connection_timeout_error    it took too long to get one
///     │     ├─ socket_timeout_error        nothing came for too long
///     │     └─ request_timeout_error       the request took too long in all
///     ├─ client_payload_error          the body is cut off or not valid
///     └─ invalid_url                   (a std::invalid_argument)
///        └─ non_http_url
///
/// Like: aiohttp.ClientError
class client_error {
 public:
  virtual ~client_error() = default;
  virtual const char* what() const noexcept = 0;

 protected:
  client_error() = default;
  client_error(const client_error&) = default;
  client_error& operator=(const client_error&) = default;
};

class client_connection_error : public client_error {};
class server_timeout_error : public client_connection_error {};

namespace detail {

/// An exception of a kind, and of a class of the standard library.
template <class Kind, class Standard>
class error_of : public Kind, public Standard {
 public:
  using Standard::Standard;
  const char* what() const noexcept override { return Standard::what(); }
};

/// The same for an error of the system, or a timeout; the text is all that it says.
template <class Kind, class System>
class system_error_of : public Kind, public System {
 public:
  const char* what() const noexcept override { return text_->c_str(); }

 protected:
  template <class... Args>
  explicit system_error_of(std::string text, const Args&... args)
      : System(args..., text),
        text_(std::make_shared<const std::string>(std::move(text))) {}

 private:
  std::shared_ptr<const std::string> text_;
};

}  // namespace detail

class client_response_error
    : public detail::error_of<client_error, std::runtime_error> {
 public:
  client_response_error(int status_code, std::string text, std::string of_url = {},
                        headers fields = {})
      : error_of(std::to_string(status_code) + ", message='" + text + "'" +
                 (of_url.empty() ? of_url : ", url='" + of_url + "'")),
        said_(std::make_shared<const said>(said{
            status_code, std::move(text), std::move(of_url), std::move(fields)})) {}

  int status() const noexcept { return said_->status; }
  const std::string& message() const noexcept { return said_->message; }
  const std::string& url() const noexcept { return said_->url; }
  const http::headers& headers() const noexcept { return said_->fields; }

 private:
  struct said {
    int status;
    std::string message;
    std::string url;
    http::headers fields;
  };

  std::shared_ptr<const said> said_;
};

class content_type_error : public client_response_error {
  using client_response_error::client_response_error;
};
class ws_server_handshake_error : public client_response_error {
  using client_response_error::client_response_error;
};
class client_http_proxy_error : public client_response_error {
  using client_response_error::client_response_error;
};
class too_many_redirects : public client_response_error {
  using client_response_error::client_response_error;
};

class client_os_error : public detail::system_error_of<client_connection_error,
                                                       boost::system::system_error> {
 public:
  client_os_error(boost::system::error_code why, std::string text)
      : system_error_of(std::move(text), why) {}
};
/// `what()` has the host, the port and the reason.
class client_connector_error : public client_os_error {
  using client_os_error::client_os_error;
};
class client_connector_dns_error : public client_connector_error {
  using client_connector_error::client_connector_error;
};
class client_ssl_error : public client_os_error {
  using client_os_error::client_os_error;
};
class client_connector_certificate_error : public client_ssl_error {
  using client_ssl_error::client_ssl_error;
};

class server_disconnected_error
    : public detail::error_of<client_connection_error, std::runtime_error> {
 public:
  server_disconnected_error() : error_of("the server disconnected") {}
};

class connection_timeout_error
    : public detail::system_error_of<server_timeout_error, timeout_error> {
 public:
  explicit connection_timeout_error(std::string text)
      : system_error_of(std::move(text)) {}
};
class socket_timeout_error
    : public detail::system_error_of<server_timeout_error, timeout_error> {
 public:
  explicit socket_timeout_error(std::string text) : system_error_of(std::move(text)) {}
};
class request_timeout_error
    : public detail::system_error_of<server_timeout_error, timeout_error> {
 public:
  explicit request_timeout_error(std::string text) : system_error_of(std::move(text)) {}
};

class client_payload_error : public detail::error_of<client_error, std::runtime_error> {
  using error_of::error_of;
};

class invalid_url : public detail::error_of<client_error, std::invalid_argument> {
  using error_of::error_of;
};
class non_http_url : public invalid_url {
  using invalid_url::invalid_url;
};

}  // namespace aio::http
