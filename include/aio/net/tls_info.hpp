// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// tls_info: what was agreed on with the peer of a TLS connection.

#pragma once

#include <optional>
#include <string>
#include <vector>

namespace aio {

/// A certificate that the peer has shown.
struct tls_certificate {
  std::string der;                 ///< all of it, as it was sent
  std::string subject;             ///< "CN=example.org,O=Example"
  std::string issuer;              ///< likewise
  std::string serial;              ///< hexadecimal
  std::string not_before;          ///< "Jan  1 00:00:00 2026 GMT"
  std::string not_after;           ///< likewise
  std::vector<std::string> names;  ///< whom it is for: DNS names and IP addresses
};

/// Like: what get_extra_info() has under "peercert", "cipher" and "ssl_object"
struct tls_info {
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< "TLS_AES_256_GCM_SHA384"
  int cipher_bits = 0;      ///< of its key
  std::string alpn;         ///< the protocol that was agreed on; empty if none
  std::string server_name;  ///< that the client asked for; empty if none
  bool is_resumed = false;  ///< whether an earlier session was taken up
  /// None if the peer has shown none, as most clients do not.
  std::optional<tls_certificate> peer_certificate = {};
};

}  // namespace aio
