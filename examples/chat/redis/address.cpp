// SPDX-License-Identifier: BSL-1.0

#include "address.hpp"

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace chat::redis {
namespace {

[[noreturn]] void refuse(std::string_view why) {
  throw std::invalid_argument(fmt::format("the URL of Redis: {}", why));
}

int parse_database(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 0)
    refuse(fmt::format("the database is a number, not '{}'", text));
  return number;
}

void read_login(const boost::urls::url_view& url, address& to) {
  if (!url.has_userinfo()) return;
  if (!url.has_password() || url.password().empty())
    refuse("a user needs a password: write USER:PASSWORD@, or :PASSWORD@");
  to.user = url.user();
  to.password = url.password();
}

void read_host(const boost::urls::url_view& url, address& to) {
  if (url.has_query()) refuse("it has no '?'; write the database as /DATABASE");
  if (!url.host_address().empty()) to.host = url.host_address();
  if (!url.port().empty()) {
    if (url.port_number() == 0) refuse("the port is a number from 1 to 65535");
    to.port = url.port_number();
  }
  const std::string path(url.path());
  if (path.size() > 1) to.database = parse_database(std::string_view(path).substr(1));
}

void read_path(const boost::urls::url_view& url, address& to) {
  if (!url.host_address().empty() || url.has_port())
    refuse("a unix socket has no host: write three slashes");
  to.path = url.path();
  // What a unix address holds, with a null byte at its end.
  if (to.path.size() < 2 || to.path.size() > 107 ||
      to.path.find('\0') != std::string::npos)
    refuse("this is no path of a unix socket");
  for (const auto& one : url.params()) {
    if (one.key != "db") refuse("a unix socket has only the option ?db=DATABASE");
    to.database = parse_database(one.value);
  }
}

}  // namespace

address parse_address(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (parsed.has_error()) refuse("this is no URL; write redis://HOST:PORT/DATABASE");
  const boost::urls::url_view& url = *parsed;
  if (url.has_fragment() || !url.has_authority())
    refuse("write redis://HOST:PORT/DATABASE");
  address made;
  read_login(url, made);
  const std::string scheme = boost::algorithm::to_lower_copy(std::string(url.scheme()));
  if (scheme == "redis") {
    read_host(url, made);
  } else if (scheme == "redis+unix" || scheme == "unix") {
    read_path(url, made);
  } else {
    refuse(fmt::format("'{}:' is not supported, only redis: and redis+unix:", scheme));
  }
  return made;
}

std::string to_string(const address& of) {
  if (!of.path.empty())
    return fmt::format("redis+unix://{}?db={}", of.path, of.database);
  const bool is_v6 = of.host.find(':') != std::string::npos;
  return fmt::format("redis://{}{}{}:{}/{}", is_v6 ? "[" : "", of.host,
                     is_v6 ? "]" : "", of.port, of.database);
}

}  // namespace chat::redis
