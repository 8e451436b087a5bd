// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A place for the files of a test.

#pragma once

#include <support/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace test {

/// A folder that is removed in the end; the tests remove what they put there.
class folder {
 public:
  folder() { REQUIRE(::mkdtemp(name_.data()) != nullptr); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { CHECK(::rmdir(name_.c_str()) == 0); }
  std::string operator/(const std::string& name) const { return name_ + "/" + name; }

 private:
  std::string name_ = "/tmp/aio_test_XXXXXX";
};

}  // namespace test
