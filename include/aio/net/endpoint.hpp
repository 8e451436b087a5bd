// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One end of a connection, printable.

#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>

namespace aio {

/// An address and a port; empty if unknown.
///
/// Prints as `127.0.0.1:80` or `[::1]:80`.
class endpoint {
 public:
  endpoint() = default;
  explicit endpoint(const boost::asio::ip::tcp::endpoint& native) : native_(native) {}

  /// The numeric address: `127.0.0.1`, `::1`.
  std::string address() const { return native_.address().to_string(); }
  std::uint16_t port() const noexcept { return native_.port(); }
  bool is_v6() const noexcept { return native_.address().is_v6(); }

  /// Whether it refers to nothing.
  bool empty() const { return *this == endpoint(); }

  const boost::asio::ip::tcp::endpoint& native() const noexcept { return native_; }

  friend bool operator==(const endpoint&, const endpoint&) = default;
  friend auto operator<=>(const endpoint& a, const endpoint& b) noexcept {
    return a.native_ < b.native_   ? std::weak_ordering::less
           : b.native_ < a.native_ ? std::weak_ordering::greater
                                   : std::weak_ordering::equivalent;
  }

 private:
  boost::asio::ip::tcp::endpoint native_;
};

inline std::string to_string(const endpoint& e) {
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
