// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// access_logger: a line for each request.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <cstddef>
#include <cstdint>

namespace aio::web {

/// What is known of a request when its response has been sent.
struct access_record {
  const request& req;
  int status;
  std::uint64_t bytes;  ///< of the response, with its head
  duration took;
};

/// Is told of every request. Derive from it, or take format_logger.
///
/// Like: aiohttp.abc.AbstractAccessLogger
class access_logger {
 public:
  access_logger() = default;
  access_logger(const access_logger&) = delete;
  access_logger& operator=(const access_logger&) = delete;
  virtual ~access_logger() = default;

  /// While it says no, nothing is computed.
  virtual bool enabled() const noexcept { return true; }
  /// The views of the record are valid during the call.
  virtual void log(const access_record& record) = 0;
};

}  // namespace aio::web
