// Five fields, as in a crontab: minute, hour, day of the month, month, day of the week.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace scheduling {

/// The times that an expression names, in UTC.
///
///     cron("*/15 9-17 * * mon-fri").next(now)
///
/// A field is `*`, or a list of numbers and ranges, each perhaps with a `/step`; months
/// and days of the week have names too, and Sunday is 0 and 7. If both kinds of day are
/// restricted, either is enough, as cron does it. @hourly, @daily, @weekly, @monthly and
/// @yearly are short for what they say.
class cron {
 public:
  using time = std::chrono::sys_seconds;

  /// Throws: std::invalid_argument – what is wrong with it
  explicit cron(std::string_view expression) {
    for (const auto& [name, meaning] : short_forms) {
      if (expression == name) expression = meaning;
    }
    std::vector<std::string_view> fields;
    for (std::string_view rest = expression; !rest.empty();) {
      const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
      rest.remove_prefix(begin);
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) fields.push_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    if (fields.size() != 5) {
      throw std::invalid_argument(
          "'" + std::string(expression) +
          "' has not five fields: minute hour day month weekday");
    }
    minutes_ = parse(fields[0], 0, 59, {});
    hours_ = parse(fields[1], 0, 23, {});
    days_ = parse(fields[2], 1, 31, {});
    months_ = parse(fields[3], 1, 12, month_names);
    weekdays_ = parse(fields[4], 0, 7, weekday_names);
    if (weekdays_[7]) weekdays_.set(0);
    any_day_ = fields[2].starts_with('*') || fields[4].starts_with('*');
  }

  /// The first one after `now`; none if there will never be one (as on February 30).
  std::optional<time> next(time now) const {
    using namespace std::chrono;
    const auto first_day = floor<days>(now);
    for (auto day = first_day; day < first_day + days(366 * 8 + 2); day += days(1)) {
      if (!has_day(day)) continue;
      for (unsigned minute = 0; minute < 24 * 60; ++minute) {
        if (!hours_[minute / 60] || !minutes_[minute % 60]) continue;
        const time at = day + minutes(minute);
        if (at > now) return at;
      }
    }
    return std::nullopt;
  }

 private:
  using bits = std::bitset<64>;
  using names = std::array<std::string_view, 12>;

  static constexpr names month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
  static constexpr names weekday_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  static constexpr std::array<std::array<std::string_view, 2>, 5> short_forms{
      {{"@hourly", "0 * * * *"},
       {"@daily", "0 0 * * *"},
       {"@weekly", "0 0 * * 0"},
       {"@monthly", "0 0 1 * *"},
       {"@yearly", "0 0 1 1 *"}}};

  bool has_day(std::chrono::sys_days day) const {
    const std::chrono::year_month_day date(day);
    const bool in_month = days_[static_cast<unsigned>(date.day())];
    const bool in_week = weekdays_[std::chrono::weekday(day).c_encoding()];
    return months_[static_cast<unsigned>(date.month())] &&
           (any_day_ ? in_month && in_week : in_month || in_week);
  }

  [[noreturn]] static void fail(std::string_view field) {
    throw std::invalid_argument("'" + std::string(field) + "' is no field of cron");
  }

  static bits parse(std::string_view field, unsigned low, unsigned high,
                    const names& words) {
    bits made;
    for (std::string_view rest = field;;) {
      const std::size_t comma = rest.find(',');
      add(made, rest.substr(0, comma), low, high, words);
      if (comma == rest.npos) return made;
      rest.remove_prefix(comma + 1);
    }
  }

  static void add(bits& to, std::string_view part, unsigned low, unsigned high,
                  const names& words) {
    const std::size_t slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    unsigned step = 1;
    if (slash != part.npos) step = number(part.substr(slash + 1), 1, high, {});
    unsigned first = low, last = high;
    if (range != "*") {
      // Not from its beginning: "-" there would be a negative number.
      const std::size_t dash = range.find('-', 1);
      first = number(range.substr(0, dash), low, high, words);
      if (dash != range.npos) {
        last = number(range.substr(dash + 1), low, high, words);
      } else if (slash == part.npos) {
        last = first;
      }
    }
    if (first > last) fail(part);
    for (unsigned i = first; i <= last; i += step) to.set(i);
  }

  static unsigned number(std::string_view text, unsigned low, unsigned high,
                         const names& words) {
    const auto word = std::ranges::find(words, text);
    if (!text.empty() && word != words.end()) {
      const auto at = static_cast<unsigned>(word - words.begin());
      return words[0] == "jan" ? at + 1 : at;
    }
    unsigned value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value < low || value > high) fail(text);
    return value;
  }

  bits minutes_, hours_, days_, months_, weekdays_;
  bool any_day_ = true;
};

}  // namespace scheduling
