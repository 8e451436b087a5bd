// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Files as responses: what the standard says of conditions and ranges (RFC 9110).

#pragma once

#include <aio/http/date.hpp>
#include <aio/http/detail/characters.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/detail/deflate.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace aio::web::detail {

using aio::detail::descriptor;

/// What a client wants of a file; it owns its texts, because a thread looks after it.
class file_question {
 public:
  file_question(file_source from, const request& req)
      : source(std::move(from)),
        if_match(req.header("if-match")),
        if_none_match(req.header("if-none-match")),
        if_range(req.header("if-range")),
        accepts_gzip(accepts_coding(req.header("accept-encoding"), "gzip")),
        range(req.method() == "GET" ? req.header("range") : std::string_view()),
        if_modified_since(http::parse_date(req.header("if-modified-since"))),
        if_unmodified_since(http::parse_date(req.header("if-unmodified-since"))) {}

  file_source source;
  std::string if_match;
  std::string if_none_match;
  std::string if_range;
  bool accepts_gzip;
  std::string range;
  std::optional<std::chrono::sys_seconds> if_modified_since;
  std::optional<std::chrono::sys_seconds> if_unmodified_since;
};

/// What there is of it.
struct file_answer {
  int status = 404;  ///< 200, 206, 304, 403, 404, 412 or 416
  std::uint64_t size = 0;
  std::uint64_t begin = 0;  ///< of what is to be sent
  std::uint64_t count = 0;
  std::chrono::sys_seconds changed{};
  std::string etag;
  std::string content;   ///< of a small one
  descriptor file;       ///< of a large one
  bool is_gzip = false;  ///< it is what stands beside the file, compressed
};

/// Whether a list of entity tags has this one, or is "*".
inline bool has_etag(std::string_view list, std::string_view etag, bool weakly) {
  if (without_spaces(list) == "*") return true;
  while (!list.empty()) {
    std::string_view one = without_spaces(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(list.find(','), list.size() - 1) + 1);
    if (one.starts_with("W/")) {
      if (!weakly) continue;
      one.remove_prefix(2);
    }
    if (one == etag) return true;
  }
  return false;
}

/// The bytes that "bytes=first-last" asks for, none if it is no such thing: then all is
/// sent. first == size: there are no such bytes.
inline std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(
    std::string_view range, std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  if (range.size() < unit.size() ||
      !http::detail::equal_ignoring_case(range.substr(0, unit.size()), unit)) {
    return std::nullopt;
  }
  range = without_spaces(range.substr(unit.size()));
  const std::size_t dash = range.find('-');
  if (dash == range.npos) return std::nullopt;
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      return std::nullopt;
    }
    return value;
  };
  const std::string_view from = range.substr(0, dash);
  const std::string_view to = range.substr(dash + 1);
  const auto first = number(from);
  const auto last = number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last)) return std::nullopt;
  if (first) {
    if (last && *last < *first) return std::nullopt;
    if (*first >= size) return std::pair(size, size);
    return std::pair(*first, last && *last < size ? *last + 1 : size);
  }
  if (!last) return std::nullopt;
  if (*last == 0) return std::pair(size, size);
  return std::pair(size - std::min(*last, size), size);
}

/// Fills in status and range of a file whose size, date and tag are known. In the order
/// of RFC 9110 §13.2.2.
inline void decide(file_answer& about, const file_question& wanted) {
  about.status = 200;
  about.begin = 0;
  about.count = about.size;
  if (!wanted.if_match.empty()) {
    if (!has_etag(wanted.if_match, about.etag, false)) about.status = 412;
  } else if (wanted.if_unmodified_since &&
             about.changed > *wanted.if_unmodified_since) {
    about.status = 412;
  }
  if (about.status == 412) return;
  if (!wanted.if_none_match.empty()) {
    if (has_etag(wanted.if_none_match, about.etag, true)) about.status = 304;
  } else if (wanted.if_modified_since && about.changed <= *wanted.if_modified_since) {
    about.status = 304;
  }
  if (about.status == 304 || wanted.range.empty()) return;
  if (!wanted.if_range.empty()) {
    const auto date = http::parse_date(wanted.if_range);
    const bool is_same = date ? about.changed == *date : wanted.if_range == about.etag;
    if (!is_same) return;
  }
  const auto range = parse_range(wanted.range, about.size);
  if (!range) return;
  about.status = range->first >= about.size ? 416 : 206;
  about.begin = range->first;
  about.count = range->second - range->first;
}

inline void append_hex(std::string& to, std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  to.append(digits, static_cast<std::size_t>(end - digits));
}

inline std::string etag_of(const struct stat& of) {
  std::string tag = "\"";
  append_hex(tag, static_cast<std::uint64_t>(of.st_mtim.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(of.st_mtim.tv_nsec));
  tag += '-';
  append_hex(tag, static_cast<std::uint64_t>(of.st_size));
  tag += '"';
  return tag;
}

/// Reads `count` bytes at `begin`; fewer if the file has become shorter.
inline std::string read_at(int file, std::uint64_t begin, std::uint64_t count) {
  std::string bytes(static_cast<std::size_t>(count), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = ::pread(file, bytes.data() + filled, bytes.size() - filled,
                              static_cast<off_t>(begin + filled));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  bytes.resize(filled);
  return bytes;
}

/// Where the path leads; empty if that is nowhere, or not in the folder.
inline std::string real_path(const file_source& of) {
  const std::unique_ptr<char, void (*)(void*)> found(
      ::realpath(of.path.c_str(), nullptr), std::free);
  if (!found) return {};
  std::string path = found.get();
  const bool is_inside = of.root.empty() || of.root == "/" || path == of.root ||
                         (path.starts_with(of.root) && path[of.root.size()] == '/');
  return is_inside ? path : std::string();
}

inline file_answer answer_about_one(const file_question& wanted);

/// Blocks: for a thread. A small file is read at once. Who takes gzip gets the file of
/// that name with .gz behind it, if there is one beside it.
inline file_answer answer_about(const file_question& wanted) {
  if (wanted.accepts_gzip) {
    file_question compressed = wanted;
    compressed.source.path += ".gz";
    file_answer about = answer_about_one(compressed);
    about.is_gzip = about.status != 403 && about.status != 404;
    if (about.is_gzip && !real_path(wanted.source).empty()) return about;
  }
  return answer_about_one(wanted);
}

inline file_answer answer_about_one(const file_question& wanted) {
  constexpr std::uint64_t small = 64 * 1024;
  file_answer about;
  if (wanted.source.path.ends_with('/') && !wanted.source.root.empty()) {
    about.status = real_path(wanted.source).empty() ? 404 : 403;
    return about;
  }
  const std::string path = real_path(wanted.source);
  if (path.empty()) return about;
  // A pipe would keep us waiting otherwise.
  descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    about.status = errno == EACCES ? 403 : 404;
    return about;
  }
  if (!S_ISREG(info.st_mode)) {
    about.status = 403;
    return about;
  }
  about.size = static_cast<std::uint64_t>(info.st_size);
  about.changed = std::chrono::sys_seconds(std::chrono::seconds(info.st_mtim.tv_sec));
  about.etag = etag_of(info);
  decide(about, wanted);
  if (about.status != 200 && about.status != 206) return about;
  if (about.count > small) {
    about.file = std::move(file);
  } else {
    about.content = read_at(file.get(), about.begin, about.count);
    about.count = about.content.size();
  }
  return about;
}

/// By the ending of the name.
inline std::string_view type_of_file(std::string_view path) noexcept {
  struct known {
    std::string_view ending;
    std::string_view type;
  };
  static constexpr known all[] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"json", "application/json"},
      {"map", "application/json"},
      {"pdf", "application/pdf"},
      {"wasm", "application/wasm"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"tar", "application/x-tar"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"avif", "image/avif"},
      {"ico", "image/vnd.microsoft.icon"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"ttf", "font/ttf"},
      {"mp3", "audio/mpeg"},
      {"ogg", "audio/ogg"},
      {"wav", "audio/wav"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
  };
  const std::size_t dot = path.rfind('.');
  if (dot != path.npos) {
    for (const known& one : all) {
      if (http::detail::equal_ignoring_case(path.substr(dot + 1), one.ending)) {
        return one.type;
      }
    }
  }
  return "application/octet-stream";
}

}  // namespace aio::web::detail
