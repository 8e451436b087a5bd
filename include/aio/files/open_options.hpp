// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// How a file is opened: Python's modes, and what else there is to choose.

#pragma once

#include <fcntl.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aio::files {

struct open_options {
  /// Bytes read ahead, and collected before they are written: -1 for the usual 64 KiB,
  /// 0 for none (only of binary files), 1 to write out each line of a text.
  std::ptrdiff_t buffering = -1;
  /// Text only: '\r' and "\r\n" end a line too and are read as '\n'. Python does this
  /// always; here bytes stay as they are unless it is wanted.
  bool universal_newlines = false;
  /// Text only: reading what is not UTF-8 throws decode_error.
  bool strict_utf8 = false;
  /// Of a file that is created, less the umask.
  unsigned permissions = 0666;
  /// For open(fd): close() closes the descriptor as well.
  bool closefd = true;
};

}  // namespace aio::files

namespace aio::detail {

/// A mode of open(), taken apart.
struct file_mode {
  /// Throws: std::invalid_argument – not a mode
  explicit file_mode(std::string_view mode) : text(mode) {
    int kinds = 0;
    bool is_updated = false;
    bool is_text = false;
    for (const char c : mode) {
      if (mode.find(c) != mode.rfind(c)) fail();
      switch (c) {
        case 'r':
          ++kinds;
          reads = true;
          break;
        case 'w':
          ++kinds;
          writes = true;
          flags |= O_CREAT | O_TRUNC;
          break;
        case 'a':
          ++kinds;
          writes = appends = true;
          flags |= O_CREAT | O_APPEND;
          break;
        case 'x':
          ++kinds;
          writes = true;
          flags |= O_CREAT | O_EXCL;
          break;
        case '+':
          is_updated = true;
          break;
        case 'b':
          binary = true;
          break;
        case 't':
          is_text = true;
          break;
        default:
          fail();
      }
    }
    if (kinds != 1 || (binary && is_text)) fail();
    if (is_updated) reads = writes = true;
    flags |= reads && writes ? O_RDWR : reads ? O_RDONLY : O_WRONLY;
  }

  std::string text;
  int flags = O_CLOEXEC | O_NOCTTY;
  bool reads = false;
  bool writes = false;
  bool appends = false;
  bool binary = false;

 private:
  [[noreturn]] void fail() const {
    throw std::invalid_argument("'" + text +
                                "' is not a mode of open(): it has one of r, w, a and "
                                "x, perhaps +, and perhaps b or t");
  }
};

}  // namespace aio::detail
