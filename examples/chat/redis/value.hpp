// What Redis answers.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chat::redis {

struct error : std::runtime_error {
  using runtime_error::runtime_error;
};

/// The connection is gone, or there never was one.
struct connection_error : error {
  using error::error;
};

/// Redis does not do what it was asked for; what() begins with its code, as in
/// "OOM command not allowed ...".
struct refused : error {
  using error::error;
};

/// It does not let us in: a wrong password, or a database that it does not have.
struct login_refused : refused {
  using refused::refused;
};

/// An answer: nothing, a number, a text, several values, or an error.
class value {
 public:
  using list = std::vector<value>;
  struct refusal {
    std::string text;
  };

  value() = default;
  explicit value(std::int64_t number) : held_(number) {}
  explicit value(std::string text) : held_(std::move(text)) {}
  explicit value(list several) : held_(std::move(several)) {}
  explicit value(refusal why) : held_(std::move(why)) {}

  bool is_nil() const { return std::holds_alternative<std::monostate>(held_); }

  // Null if it is something else.
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&held_); }
  const std::string* text() const { return std::get_if<std::string>(&held_); }
  const list* several() const { return std::get_if<list>(&held_); }
  const std::string* error() const {
    const refusal* const why = std::get_if<refusal>(&held_);
    return why == nullptr ? nullptr : &why->text;
  }

 private:
  std::variant<std::monostate, std::int64_t, std::string, list, refusal> held_;
};

}  // namespace chat::redis
