// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Chunked bodies, and the request after them.

#include "fuzz.hpp"

namespace {

constexpr std::string_view seeds[] = {
    "3\r\nabc\r\n0\r\n\r\n",
    "a;x=\"y\"\r\n0123456789\r\n00\r\nT: u\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "1\r\na\r\n1\r\nb\r\n0;z\r\nA: b\r\nC:\r\n\r\n",
    "fffffffffffffff\r\nabc",
};

}  // namespace

AIO_FUZZ_TARGET("", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
