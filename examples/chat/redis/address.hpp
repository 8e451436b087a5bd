// Where a Redis is, as a URL says it.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chat::redis {

struct address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string path;  ///< of a unix socket, which is then used instead
  std::string user;  ///< empty: the default user
  std::string password;
  int database = 0;

  bool operator==(const address&) const = default;
};

/// As redis-cli and redis-py write them:
///
///     redis://[:PASSWORD@|USER:PASSWORD@][HOST][:PORT][/DATABASE]
///     redis+unix://[:PASSWORD@|USER:PASSWORD@]/PATH[?db=DATABASE]     also unix://
///
/// Throws: std::invalid_argument – it is something else; the text does not quote the
///         URL, which may hold a password
address parse_address(std::string_view url);

/// A URL without user and password.
std::string to_string(const address& of);

}  // namespace chat::redis
