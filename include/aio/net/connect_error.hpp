// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// connect_error: why no address of a host could be reached.

#pragma once

#include <aio/net/endpoint.hpp>

#include <boost/system/system_error.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aio {

/// No address of a host could be reached. `code()` is that of the last failure.
///
///     for (const auto& [endpoint, code] : error.failures()) ...
class connect_error : public boost::system::system_error {
 public:
  struct failure {
    aio::endpoint endpoint;
    boost::system::error_code code;
  };

  connect_error(std::vector<failure> failures, std::string text)
      : system_error(failures.back().code),
        said_(
            std::make_shared<const said>(said{std::move(failures), std::move(text)})) {}

  const char* what() const noexcept override { return said_->text.c_str(); }

  /// One for each address that was tried, in the order of the failures.
  const std::vector<failure>& failures() const noexcept { return said_->failures; }

 private:
  struct said {
    std::vector<failure> failures;
    std::string text;
  };

  std::shared_ptr<const said> said_;
};

}  // namespace aio
