// What people write, made harmless before anybody else sees it.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chat {

/// The most characters of names and rooms.
inline constexpr std::size_t max_name = 32;

/// As valid UTF-8 in one line: what is none becomes U+FFFD, tabs and ends of lines become
/// spaces, and other control characters go, as do those that turn the direction of all
/// that follows.
std::string clean_text(std::string_view bytes);

/// The same, without spaces around it, with single ones within, without characters that
/// have no width, and cut to max_name characters. It may be empty.
std::string clean_name(std::string_view bytes);

}  // namespace chat
