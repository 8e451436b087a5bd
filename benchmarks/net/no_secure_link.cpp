// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The load generator where OpenSSL is not: there is no TLS.

#include "load.hpp"
#include "secure_link.hpp"

namespace bench {

void secure_link::free_ssl::operator()(ssl_st*) const {}

secure_link::secure_link(int) { throw load_error("TLS needs OpenSSL (libssl-dev)"); }
secure_link::~secure_link() = default;
ssize_t secure_link::send(const char*, std::size_t) { return -1; }
ssize_t secure_link::receive(char*, std::size_t) { return -1; }
bool secure_link::has_pending() const { return false; }

}  // namespace bench
