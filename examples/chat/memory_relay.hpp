// The relay of a single process.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "relay.hpp"

namespace chat {

class memory_relay final : public relay {
 public:
  aio::coro<> start(relay_listener& to) override {
    to_ = &to;
    co_return;
  }

  bool say(message said) override {
    if (!to_) return false;
    using namespace std::chrono;
    const auto now = static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    last_ = now > last_.time ? message_id{now, 0}
                             : message_id{last_.time, last_.number + 1};
    said.id = last_;
    to_->on_message(said);
    return true;
  }

  void arrive(const std::string&, const std::string&) override {}
  void depart(const std::string&, const std::string&) override {}
  aio::coro<> settle() override { co_return; }
  aio::coro<> stop() override {
    to_ = nullptr;
    co_return;
  }
  std::string_view state() const override { return "memory"; }

 private:
  relay_listener* to_ = nullptr;
  message_id last_;
};

}  // namespace chat
