// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Dates as messages carry them: "Sun, 06 Nov 1994 08:49:37 GMT".

#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace aio::http {
namespace detail {

inline constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
inline constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

using date_text = std::array<char, 29>;

/// The year must have four digits.
inline date_text write_date(std::chrono::sys_seconds when) noexcept {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(when - day);
  date_text text;
  char* out = text.data();
  const auto put = [&out](std::string_view bytes) {
    for (const char c : bytes) *out++ = c;
  };
  const auto put_two = [&out](unsigned n) {
    *out++ = static_cast<char>('0' + n / 10 % 10);
    *out++ = static_cast<char>('0' + n % 10);
  };
  const auto y = static_cast<unsigned>(static_cast<int>(date.year()));
  put(day_names.substr(weekday(day).c_encoding() * 3, 3));
  put(", ");
  put_two(static_cast<unsigned>(date.day()));
  put(" ");
  put(month_names.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  put(" ");
  put_two(y / 100);
  put_two(y % 100);
  put(" ");
  put_two(static_cast<unsigned>(time.hours().count()));
  put(":");
  put_two(static_cast<unsigned>(time.minutes().count()));
  put(":");
  put_two(static_cast<unsigned>(time.seconds().count()));
  put(" GMT");
  return text;
}

/// Takes the parts of a date off its text. Once one is wrong, is_good is false.
struct date_reader {
  std::string_view text;
  bool is_good = true;

  void skip(std::string_view expected) noexcept {
    is_good = is_good && text.starts_with(expected);
    if (is_good) text.remove_prefix(expected.size());
  }
  int number(std::size_t digits) noexcept {
    int value = -1;
    if (is_good && text.size() >= digits) {
      const char* end = text.data() + digits;
      const auto [stop, error] = std::from_chars(text.data(), end, value);
      is_good = error == std::errc() && stop == end && text[0] != '-';
      text.remove_prefix(digits);
    } else {
      is_good = false;
    }
    return value;
  }
  /// Which of these names it is, counted from 0.
  int name(std::string_view names) noexcept {
    const std::size_t at = is_good ? names.find(text.substr(0, 3)) : names.npos;
    is_good = at != names.npos && at % 3 == 0 && text.size() >= 3;
    if (is_good) text.remove_prefix(3);
    return is_good ? static_cast<int>(at / 3) : 0;
  }
};

/// A year of two digits is the one that is at most 50 years ahead.
inline int full_year(int two_digits) noexcept {
  using namespace std::chrono;
  const year_month_day today(floor<days>(system_clock::now()));
  const int now = static_cast<int>(today.year());
  const int year = now - now % 100 + two_digits;
  return year > now + 50 ? year - 100 : year;
}

}  // namespace detail

/// The date as it is sent. Years beyond 0 and 9999 become these.
inline std::string format_date(std::chrono::sys_seconds when) {
  using namespace std::chrono;
  constexpr sys_seconds first = sys_days(year(0) / 1 / 1);
  constexpr sys_seconds last = sys_days(year(9999) / 12 / 31) + 86399s;
  const auto text = detail::write_date(std::clamp(when, first, last));
  return std::string(text.data(), text.size());
}

/// The time that a date means, in any of the three forms that may be received
/// (RFC 9110 §5.6.7); none if it is no date. The name of the day is not looked at.
inline std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  using namespace std::chrono;
  detail::date_reader in{text};
  int y = 0, mon = 0, d = 0, h = 0, m = 0, s = 0;
  const auto time = [&] {
    h = in.number(2);
    in.skip(":");
    m = in.number(2);
    in.skip(":");
    s = in.number(2);
  };
  const std::size_t comma = text.find(',');
  if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
    in.name(detail::day_names);
    in.skip(", ");
    d = in.number(2);
    in.skip(" ");
    mon = in.name(detail::month_names);
    in.skip(" ");
    y = in.number(4);
    in.skip(" ");
    time();
    in.skip(" GMT");
  } else if (comma != text.npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
    in.name(detail::day_names);
    in.text = text.substr(comma);
    in.skip(", ");
    d = in.number(2);
    in.skip("-");
    mon = in.name(detail::month_names);
    in.skip("-");
    y = detail::full_year(in.number(2));
    in.skip(" ");
    time();
    in.skip(" GMT");
  } else {  // Sun Nov  6 08:49:37 1994
    in.name(detail::day_names);
    in.skip(" ");
    mon = in.name(detail::month_names);
    in.skip(" ");
    const bool is_short = in.text.starts_with(' ');
    if (is_short) in.skip(" ");
    d = in.number(is_short ? 1 : 2);
    in.skip(" ");
    time();
    in.skip(" ");
    y = in.number(4);
  }
  const year_month_day date(year(y), month(static_cast<unsigned>(mon) + 1),
                            day(static_cast<unsigned>(d)));
  const bool is_good = in.is_good && in.text.empty() && date.ok() && h < 24 && m < 60 &&
                       s <= 60;  // a leap second
  if (!is_good) return std::nullopt;
  return sys_days(date) + hours(h) + minutes(m) + seconds(s);
}

/// The date of now, written at most once in a second.
///
/// Threads: one only
class date_cache {
 public:
  /// Lifetime: the view is valid until the next call
  std::string_view now() { return at(std::chrono::system_clock::now()); }

  std::string_view at(std::chrono::system_clock::time_point when) {
    const auto second = std::chrono::floor<std::chrono::seconds>(when);
    if (second != second_) {
      text_ = detail::write_date(second);
      second_ = second;
    }
    return {text_.data(), text_.size()};
  }

 private:
  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
  detail::date_text text_;
};

}  // namespace aio::http
