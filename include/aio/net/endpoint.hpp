// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a connection, printable.

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace aio {

/// An IP address and a port, or the path of a unix socket; empty if unknown.
///
/// Prints as `127.0.0.1:80`, `[::1]:80`, `/run/it.sock` or, if the name is abstract,
/// `@it`.
class endpoint {
  using ip = boost::asio::ip::tcp::endpoint;

 public:
  endpoint() = default;
  explicit endpoint(const ip& native) : at_(native) {}
  explicit endpoint(const boost::asio::ip::udp::endpoint& native)
      : at_(ip(native.address(), native.port())) {}

  /// Throws: boost::system::system_error – `address` is not numeric
  endpoint(std::string_view address, std::uint16_t port)
      : at_(ip(boost::asio::ip::make_address(address), port)) {}

  /// A socket in the file system, or an abstract one if the path begins with a null
  /// byte; an empty path is a socket without a name.
  static endpoint unix_path(std::string path) {
    endpoint made;
    made.at_ = std::move(path);
    return made;
  }

  /// The numeric address: `127.0.0.1`, `::1`; nothing for a unix socket.
  std::string address() const {
    return is_unix() ? std::string() : native().address().to_string();
  }
  /// 0 for a unix socket.
  std::uint16_t port() const noexcept { return is_unix() ? 0 : native().port(); }
  bool is_v6() const noexcept { return !is_unix() && native().address().is_v6(); }

  bool is_unix() const noexcept { return std::holds_alternative<std::string>(at_); }
  /// Of a unix socket.
  std::string path() const { return is_unix() ? *std::get_if<std::string>(&at_) : ""; }

  /// Whether it refers to nothing.
  bool empty() const { return *this == endpoint(); }

  /// Whether it names no address: nothing, or all of them, as a socket that listens on
  /// every interface has.
  bool is_unspecified() const {
    return is_unix() ? path().empty() : native().address().is_unspecified();
  }

  /// The IP address and port; not of a unix socket.
  const boost::asio::ip::tcp::endpoint& native() const noexcept {
    return *std::get_if<ip>(&at_);
  }

  friend bool operator==(const endpoint&, const endpoint&) = default;
  friend auto operator<=>(const endpoint& a, const endpoint& b) noexcept {
    return a.at_ < b.at_   ? std::weak_ordering::less
           : b.at_ < a.at_ ? std::weak_ordering::greater
                           : std::weak_ordering::equivalent;
  }

 private:
  std::variant<ip, std::string> at_;
};

inline std::string to_string(const endpoint& e) {
  if (e.is_unix()) {
    std::string path = e.path();
    if (!path.empty() && path[0] == '\0') path[0] = '@';
    return path;
  }
  return e.is_v6() ? fmt::format("[{}]:{}", e.address(), e.port())
                   : fmt::format("{}:{}", e.address(), e.port());
}

inline std::ostream& operator<<(std::ostream& out, const endpoint& e) {
  return out << to_string(e);
}

}  // namespace aio

template <>
struct fmt::formatter<aio::endpoint> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const aio::endpoint& e, Context& context) const {
    return fmt::formatter<std::string>::format(aio::to_string(e), context);
  }
};
