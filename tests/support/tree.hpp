// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A place for files and folders of a test.

#pragma once

#include <support/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace test {

/// A folder that goes with all that is in it.
class tree {
 public:
  tree() { REQUIRE(::mkdtemp(name_.data()) != nullptr); }
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;
  ~tree() {
    std::error_code ignored;
    std::filesystem::remove_all(name_, ignored);
  }

  /// A file with this text, in folders that are made for it.
  void add(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = name_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    // The first second of the year 2000.
    const timespec when[2] = {{946684800, 0}, {946684800, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), when, 0) == 0);
  }
  /// A symbolic link.
  void link(const std::string& to, const std::string& name) const {
    std::filesystem::create_symlink(to, name_ + "/" + name);
  }
  std::string operator/(const std::string& name) const { return name_ + "/" + name; }

 private:
  std::string name_ = "/tmp/aio_test_XXXXXX";
};

}  // namespace test
