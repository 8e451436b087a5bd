// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What comes before the body of a message: as views into what was received, and what
/// its framing needs to know.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/headers.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace aio::http::detail {

/// The forms of RFC 9112 §3.2: "/path?query", "http://host/path", "host:port" (CONNECT
/// only), "*" (OPTIONS only).
enum class target_form : unsigned char { origin, absolute, authority, asterisk };

/// Use one again: it keeps its memory.
struct message_head {
  // Of a request.
  std::string_view method = {};
  std::string_view target = {};
  std::string_view host = {};  ///< the field; empty if there is none
  target_form form = target_form::origin;
  bool expect_continue = false;

  // Of a response.
  int status = 0;
  std::string_view reason = {};

  // Of both.
  int minor_version = 1;
  bool keep_alive = false;
  bool chunked = false;
  bool upgrade = false;  ///< there is an Upgrade, and Connection names it
  std::optional<std::uint64_t> content_length = {};
  std::vector<header> fields = {};

  bool has_body() const noexcept { return chunked || content_length.value_or(0) != 0; }

  /// The value of the first field of this name; null if there is none.
  const std::string_view* find(std::string_view name) const noexcept {
    for (const header& field : fields) {
      if (equal_ignoring_case(field.name, name)) return &field.value;
    }
    return nullptr;
  }

  void clear() noexcept {
    std::vector<header> kept = std::move(fields);
    kept.clear();
    *this = message_head{};
    fields = std::move(kept);
  }
};

/// A copy of the fields that outlives what was received.
inline headers copy_headers(const message_head& head) {
  headers copy;
  std::size_t bytes = 0;
  for (const auto& [name, value] : head.fields) bytes += name.size() + value.size() + 4;
  copy.reserve(bytes);
  for (const auto& [name, value] : head.fields) copy.add_parsed(name, value);
  return copy;
}

/// Why a message is refused: the status to answer with, and a text for people.
struct framing_error {
  int status = 0;
  std::string_view text = {};

  explicit operator bool() const noexcept { return status != 0; }
};

}  // namespace aio::http::detail
