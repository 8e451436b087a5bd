// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the TLS servers on Boost.Asio have in common.

#pragma once

#include <boost/asio/ssl/context.hpp>

#include "../server.hpp"

namespace bench {

inline boost::asio::ssl::context make_asio_context(const tls_address& where) {
  boost::asio::ssl::context made(boost::asio::ssl::context::tls_server);
  made.use_certificate_chain_file(where.certificate);
  made.use_private_key_file(where.key, boost::asio::ssl::context::pem);
  return made;
}

}  // namespace bench
