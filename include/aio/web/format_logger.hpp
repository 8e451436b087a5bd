// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// format_logger: access logs in the format of Apache.

#pragma once

#include <aio/web/access_logger.hpp>
#include <aio/web/request.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// Writes a line for each request: %a the address of the peer, %t the time, %P the
/// process, %r the request line, %s the status, %b the bytes sent, %T the seconds it
/// took, %Tf the same with a fraction, %D microseconds, %{Name}i a header of the
/// request, %% a percent sign.
///
///     aio::web::format_logger log([](std::string_view line) { fmt::print("{}", line); });
///     co_await aio::web::run_app(app, {.limits = {.access_log = &log}});
///
/// What clients say has its control bytes and quotes escaped, so that no request can
/// forge a line.
///
/// Like: aiohttp.helpers.AccessLogger
class format_logger : public access_logger {
 public:
  static constexpr std::string_view default_format =
      "%a %t \"%r\" %s %b \"%{Referer}i\" \"%{User-Agent}i\"";

  /// `write` is called with each line and its end.
  ///
  /// Throws: std::invalid_argument – an unknown directive
  explicit format_logger(std::function<void(std::string_view)> write,
                         std::string_view format = default_format)
      : write_(std::move(write)) {
    parse(format);
  }

  void log(const access_record& record) override {
    std::string line;
    for (const item& one : items_) append(line, one, record);
    line += '\n';
    write_(line);
  }

 private:
  struct item {
    char what;         ///< '\0': the text itself
    std::string text;  ///< or the name of a header
  };

  void parse(std::string_view format) {
    while (!format.empty()) {
      const std::size_t percent = format.find('%');
      if (percent != 0)
        items_.push_back({'\0', std::string(format.substr(0, percent))});
      if (percent == format.npos) return;
      format.remove_prefix(percent + 1);
      if (format.starts_with('{')) {
        const std::size_t end = format.find("}i");
        if (end == format.npos) refuse(format);
        items_.push_back({'i', std::string(format.substr(1, end - 1))});
        format.remove_prefix(end + 2);
        continue;
      }
      constexpr std::string_view known = "atPrsbTD%";
      if (format.empty() || known.find(format[0]) == known.npos) refuse(format);
      const bool is_fraction = format.starts_with("Tf");
      items_.push_back({is_fraction ? 'F' : format[0], {}});
      format.remove_prefix(is_fraction ? 2 : 1);
    }
  }
  [[noreturn]] static void refuse(std::string_view at) {
    throw std::invalid_argument("access log: unknown directive %" + std::string(at));
  }

  static void append(std::string& to, const item& one, const access_record& record) {
    using namespace std::chrono;
    switch (one.what) {
      case '\0':
        to += one.text;
        break;
      case '%':
        to += '%';
        break;
      case 'a':
        to += record.req.remote().address();
        break;
      case 't':
        append_time(to);
        break;
      case 'P':
        to += std::to_string(::getpid());
        break;
      case 's':
        to += std::to_string(record.status);
        break;
      case 'b':
        to += std::to_string(record.bytes);
        break;
      case 'T':
        to += std::to_string(duration_cast<seconds>(record.took).count());
        break;
      case 'D':
        to += std::to_string(duration_cast<microseconds>(record.took).count());
        break;
      case 'F':
        to += std::to_string(std::chrono::duration<double>(record.took).count());
        break;
      case 'r':
        append_escaped(to, record.req.method());
        to += ' ';
        append_escaped(to, record.req.target());
        to += record.req.minor_version() == 0 ? " HTTP/1.0" : " HTTP/1.1";
        break;
      default: {
        const std::string_view value = record.req.header(one.text);
        append_escaped(to, value.empty() ? std::string_view("-") : value);
      }
    }
  }

  static void append_time(std::string& to) {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    char text[40];
    const std::size_t size =
        std::strftime(text, sizeof text, "[%d/%b/%Y:%H:%M:%S %z]", &local);
    to.append(text, size);
  }

  static void append_escaped(std::string& to, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
        to += c;
      } else {
        to += "\\x";
        to += digits[byte / 16];
        to += digits[byte % 16];
      }
    }
  }

  std::function<void(std::string_view)> write_;
  std::vector<item> items_;
};

}  // namespace aio::web
