// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers that split lines themselves have in common.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bench {

/// Answers each line that ends in `data` with itself.
///
/// Takes: begun – the client's line that has no end yet; answers – what to append to
inline void answer_lines(std::string& begun, std::string_view data,
                         std::string& answers) {
  for (std::size_t end; (end = data.find('\n')) != data.npos;) {
    answers += begun;
    answers += data.substr(0, end + 1);
    begun.clear();
    data.remove_prefix(end + 1);
  }
  begun += data;
}

}  // namespace bench
