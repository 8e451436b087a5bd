// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bodies of several parts: multipart/form-data (RFC 7578).

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/form_data.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/text_map.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web::detail {

/// Calls `visit(name, value)` for `; name=value; name="value"` behind the first part of
/// a field.
template <class Visit>
void for_each_parameter(std::string_view field, Visit visit) {
  std::size_t at = field.find(';');
  while (at < field.size()) {
    ++at;
    const std::size_t equals = field.find_first_of("=;", at);
    if (equals == field.npos) return;
    const std::string_view name = without_spaces(field.substr(at, equals - at));
    if (field[equals] == ';') {
      at = equals;
      continue;
    }
    at = equals + 1;
    if (at < field.size() && field[at] == '"') {
      const std::size_t begin = ++at;
      while (at < field.size() && field[at] != '"') at += field[at] == '\\' ? 2 : 1;
      if (at >= field.size()) return;
      visit(name, field.substr(begin, at - begin));
      at = field.find(';', at);
    } else {
      const std::size_t end = field.find(';', at);
      visit(name, without_spaces(field.substr(at, end - at)));
      at = end;
    }
  }
}

/// The value of one of them; empty if there is none.
inline std::string_view parameter(std::string_view field,
                                  std::string_view name) noexcept {
  std::string_view found;
  for_each_parameter(field, [&](std::string_view key, std::string_view value) {
    if (found.empty() && http::detail::equal_ignoring_case(key, name)) found = value;
  });
  return found;
}

/// Takes `line` CR LF off the front.
inline std::string_view take_line(std::string_view& from) {
  const std::size_t end = from.find("\r\n");
  if (end == from.npos) throw bad_request("the multipart body is cut short");
  const std::string_view line = from.substr(0, end);
  from.remove_prefix(end + 2);
  return line;
}

/// What browsers write for quotes in names.
inline std::string form_name(std::string_view quoted) {
  std::string name;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 1 < quoted.size()) ++i;
    if (quoted.substr(i, 3) == "%22") {
      name += '"';
      i += 2;
    } else {
      name += quoted[i];
    }
  }
  return name;
}

/// Throws: bad_request – it does not keep to the rules
inline form_data parse_multipart(std::string_view body, std::string_view boundary) {
  constexpr std::size_t most_parts = 1000;
  if (boundary.empty() || boundary.size() > 70) {
    throw bad_request("a multipart body without a valid boundary");
  }
  const std::string delimiter = "\r\n--" + std::string(boundary);
  std::string_view first = delimiter;
  first.remove_prefix(2);
  if (body.starts_with(first)) {
    body.remove_prefix(first.size());
  } else {
    const std::size_t begin = body.find(delimiter);
    if (begin == body.npos) throw bad_request("a multipart body without parts");
    body.remove_prefix(begin + delimiter.size());
  }
  text_map fields;
  std::vector<form_file> files;
  while (!body.starts_with("--")) {
    if (fields.size() + files.size() == most_parts) throw content_too_large();
    if (!without_spaces(take_line(body)).empty()) {
      throw bad_request("the multipart body is not valid");
    }
    form_file part;
    bool is_file = false;
    for (std::string_view line = take_line(body); !line.empty();
         line = take_line(body)) {
      const std::size_t colon = line.find(':');
      if (colon == line.npos) throw bad_request("the head of a part is not valid");
      const std::string_view name = line.substr(0, colon);
      const std::string_view value = without_spaces(line.substr(colon + 1));
      if (http::detail::equal_ignoring_case(name, "content-type")) {
        part.content_type = value;
      } else if (http::detail::equal_ignoring_case(name, "content-disposition")) {
        for_each_parameter(value, [&](std::string_view key, std::string_view text) {
          if (http::detail::equal_ignoring_case(key, "name")) {
            part.name = form_name(text);
          } else if (http::detail::equal_ignoring_case(key, "filename")) {
            part.filename = form_name(text);
            is_file = true;
          }
        });
      }
    }
    const std::size_t end = body.find(delimiter);
    if (end == body.npos) throw bad_request("the multipart body is cut short");
    part.content = body.substr(0, end);
    body.remove_prefix(end + delimiter.size());
    if (is_file) {
      if (part.content_type.empty()) part.content_type = "application/octet-stream";
      files.push_back(std::move(part));
    } else {
      fields.add(std::move(part.name), std::move(part.content));
    }
  }
  return form_data(std::move(fields), std::move(files));
}

}  // namespace aio::web::detail
