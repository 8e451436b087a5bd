// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The results for programs: one JSON document (plot.py draws it).

#pragma once

#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A name and numbers.
struct json_row {
  std::string name;
  std::vector<std::pair<const char*, double>> numbers;
};

/// Under which conditions, and tables of rows:
///
///     {"conditions": {"compiler": "g++ 12.2.0", ...},
///      "50x64": [{"name": "epoll", "cpu_us": 4.1, ...}, ...], ...}
class json_report {
 public:
  void add_condition(const std::string& name, const std::string& value) {
    conditions_.push_back({name, value});
  }

  void add(const std::string& table, json_row row) {
    if (tables_.empty() || tables_.back().first != table)
      tables_.push_back({table, {}});
    tables_.back().second.push_back(std::move(row));
  }

  /// Throws: std::runtime_error – the file cannot be written
  void write_to(const std::string& path) const {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        std::fopen(path.c_str(), "w"), &std::fclose);
    if (!file) throw std::runtime_error("cannot write to " + path);
    std::string text = "{\n  \"conditions\": {";
    for (const auto& [name, value] : conditions_) {
      if (text.back() != '{') text += ",";
      text += "\n    " + quoted(name) + ": " + quoted(value);
    }
    text += "\n  }";
    for (const auto& [table, rows] : tables_) {
      text += ",\n  " + quoted(table) + ": [";
      for (const json_row& row : rows) {
        if (&row != &rows.front()) text += ",";
        text += "\n    {\"name\": " + quoted(row.name);
        for (const auto& [key, value] : row.numbers) {
          text += ", " + quoted(key) + ": " + number(value);
        }
        text += "}";
      }
      text += "\n  ]";
    }
    text += "\n}\n";
    if (std::fputs(text.c_str(), file.get()) < 0 || std::fflush(file.get()) != 0) {
      throw std::runtime_error("cannot write to " + path);
    }
  }

 private:
  static std::string quoted(const std::string& text) {
    std::string made = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') made += '\\';
      made += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return made + '"';
  }
  static std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
  }

  std::vector<std::pair<std::string, std::string>> conditions_;
  std::vector<std::pair<std::string, std::vector<json_row>>> tables_;
};

}  // namespace bench
