// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connection of the client: the bytes and the end of a stream, read in place.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/error.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/connect.hpp>
#include <aio/net/connect_error.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/ssl_error.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/task/timeout.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http::detail {

using aio::detail::intrusive_ptr;

/// One that is not in use closes as soon as its peer does.
class client_connection final : public aio::detail::stream_connection {
 public:
  explicit client_connection(aio::detail::loop_core& loop)
      : stream_connection(loop, 64 * 1024) {}

  bool is_idle = false;

  /// Whether another request can be sent on it: nobody has closed it, and nothing has
  /// come that nobody asked for.
  bool is_fresh() const {
    return !is_lost() && !is_ended && !error && buffer.empty() && !is_closing();
  }

 private:
  bool eof_received() override {
    feed_eof();
    if (is_idle) source.close();
    return source.can_write_eof();
  }
};

using connection_ptr = intrusive_ptr<client_connection>;

/// Satisfied by more bytes than there were, or the end.
struct more_bytes {
  std::size_t seen;

  bool is_satisfied(const aio::detail::reader_state& s) const noexcept {
    return s.buffer.size() > seen || s.is_ended;
  }
  bool take(const aio::detail::reader_state& s) const noexcept {
    return s.buffer.size() > seen;
  }
};

/// Whether a limit is one: as in aiohttp, zero is none.
inline time_limit real_limit(time_limit limit) noexcept {
  if (limit.has_value() && limit.value() <= duration::zero()) return no_limit;
  return limit;
}

/// Waits until there are more bytes than `seen`; false at the end of the stream.
///
/// Cancellation: nothing is lost.
/// Throws:       socket_timeout_error; client_os_error; cancelled_error
inline coro<bool> receive_more(connection_ptr of, std::size_t seen, time_limit limit) {
  try {
    aio::detail::read_operation<more_bytes> reading(
        intrusive_ptr<aio::detail::reader_state>(of.get()), more_bytes{seen});
    bool came = false;
    if (limit.has_value()) {
      came = co_await aio::wait_for(std::move(reading), limit);
    } else {
      came = co_await std::move(reading);
    }
    co_return came;
  } catch (const timeout_error&) {
    throw socket_timeout_error("nothing came from the server for too long");
  } catch (const ssl_error& e) {
    throw client_ssl_error(e.code(), e.what());
  } catch (const boost::system::system_error& e) {
    throw client_os_error(e.code(), "the connection broke: " + e.code().message());
  }
}

/// Where and how to connect, with all that it needs.
struct connect_plan {
  std::string host;
  std::uint16_t port = 0;
  ssl_context ssl;              ///< empty: none
  std::string server_hostname;  ///< empty: the host
  int family = 0;
  time_limit happy_eyeballs = std::chrono::milliseconds(250);
};

inline aio::detail::connect_target target_of(const connect_plan& plan) {
  connect_options options;
  if (plan.ssl) options.ssl = plan.ssl;
  options.family = plan.family;
  if (plan.ssl && !plan.server_hostname.empty()) {
    options.server_hostname = plan.server_hostname;
  }
  options.happy_eyeballs = plan.happy_eyeballs;
  return aio::detail::connect_target(plan.host, plan.port, options);
}

/// Cancellation: gives it up.
/// Throws:       client_connector_error and the like; cancelled_error
inline coro<connection_ptr> open_client_connection(connect_plan plan) {
  const auto said = [&plan](const char* what) {
    return "cannot connect to host " + plan.host + ":" + std::to_string(plan.port) +
           (plan.ssl ? " with TLS" : "") + " [" + what + "]";
  };
  bool is_found = false;
  try {
    event_loop& loop = get_running_loop();
    auto target = target_of(plan);
    auto tls = std::move(target.tls);
    aio::detail::connected_socket socket =
        co_await aio::detail::connect_to(loop, std::move(target));
    is_found = true;
    const connection_ptr made(new client_connection(loop.core()));
    auto starting = aio::detail::start_transport(
        aio::detail::make_transport(loop, std::move(socket)),
        client_connection::as_protocol(
            intrusive_ptr<aio::detail::stream_connection>(made.get())),
        std::move(tls));
    co_await std::move(starting);
    co_return made;
  } catch (const ssl_cert_verification_error& e) {
    throw client_connector_certificate_error(e.code(), said(e.what()));
  } catch (const ssl_error& e) {
    throw client_ssl_error(e.code(), said(e.what()));
  } catch (const connect_error& e) {
    throw client_connector_error(e.code(), said(e.what()));
  } catch (const boost::system::system_error& e) {
    if (is_found) throw client_connector_error(e.code(), said(e.what()));
    throw client_connector_dns_error(e.code(), said(e.what()));
  }
}

}  // namespace aio::http::detail
