// SPDX-License-Identifier: BSL-1.0

#include "log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace chat {
namespace {

log_level least_level = log_level::info;

std::string_view name_of(log_level level) {
  constexpr std::array<std::string_view, 4> names = {"debug", "info", "warning",
                                                     "error"};
  return names[static_cast<std::size_t>(level)];
}

std::string now() {
  using namespace std::chrono;
  const auto since = system_clock::now().time_since_epoch();
  const std::time_t second = duration_cast<seconds>(since).count();
  std::tm parts{};
  ::gmtime_r(&second, &parts);
  std::array<char, 32> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size),
                     duration_cast<milliseconds>(since).count() % 1000);
}

bool is_plain(unsigned char c) {
  return c > 0x20 && c != 0x7f && c != '"' && c != '=' && c != '\\';
}

std::string quoted(const std::string& value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) return value;
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += fmt::format("\\u{:04x}", byte);
    } else {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text + '"';
}

}  // namespace

void set_log_level(log_level least) { least_level = least; }

void log(log_level level, std::string_view event,
         std::initializer_list<log_field> fields) {
  if (level < least_level) return;
  std::string line =
      fmt::format("time={} level={} event={}", now(), name_of(level), event);
  for (const log_field& one : fields) {
    line += fmt::format(" {}={}", one.key, quoted(one.value));
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace chat
