// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// form_data: the fields and files of a form.

#pragma once

#include <aio/web/text_map.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// A file in a form.
struct form_file {
  std::string name;      ///< of the field
  std::string filename;  ///< as the client calls it: a text, not a path to open
  std::string content_type;
  std::string content;
};

/// The fields of a form, and its files.
class form_data : public text_map {
 public:
  form_data() = default;
  form_data(text_map fields, std::vector<form_file> files)
      : text_map(std::move(fields)), files_(std::move(files)) {}

  const std::vector<form_file>& files() const noexcept { return files_; }
  /// The first file of this name; null if there is none.
  const form_file* file(std::string_view name) const noexcept {
    for (const form_file& one : files_) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }

 private:
  std::vector<form_file> files_;
};

}  // namespace aio::web
