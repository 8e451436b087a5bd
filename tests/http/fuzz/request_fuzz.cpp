// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Streams of requests: heads, bodies, pipelining.

#include "fuzz.hpp"

namespace {

constexpr std::string_view seeds[] = {
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "CONNECT h:443 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
    "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close, x\r\n\r\n",
};

}  // namespace

AIO_FUZZ_TARGET("")
