// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What goes wrong with files: errors of the system with the path, and bad text.

#pragma once

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace aio::files {

/// The system refused something about a file. what() reads "cannot open 'a.txt': No such
/// file or directory".
///
/// Like: OSError with its filename and filename2
class file_error : public boost::system::system_error {
 public:
  file_error(boost::system::error_code code, const std::string& doing, std::string path,
             std::string second_path = {})
      : system_error(code) {
    std::string text = "cannot " + doing + " '" + path + "'";
    if (!second_path.empty()) text += " -> '" + second_path + "'";
    text += ": " + code.message();
    said_ = std::make_shared<const said>(
        said{std::move(text), std::move(path), std::move(second_path)});
  }

  const char* what() const noexcept override { return said_->text.c_str(); }

  const std::string& path() const noexcept { return said_->path; }
  /// The other path of rename(), symlink() and the like; else empty.
  const std::string& second_path() const noexcept { return said_->second_path; }

 private:
  struct said {
    std::string text, path, second_path;
  };

  std::shared_ptr<const said> said_;
};

/// A file that was opened as strict text holds bytes that are not UTF-8.
///
/// Like: UnicodeDecodeError
class decode_error : public std::runtime_error {
 public:
  decode_error(const std::string& what, std::size_t at)
      : runtime_error(what), position(at) {}

  std::size_t position;  ///< of the first bad byte in what was to be read
};

}  // namespace aio::files

namespace aio::detail {

/// Throws the error in errno.
[[noreturn]] inline void throw_file_error(const char* doing, const std::string& path,
                                          const std::string& second_path = {}) {
  throw files::file_error({errno, boost::system::system_category()}, doing, path,
                          second_path);
}

}  // namespace aio::detail
