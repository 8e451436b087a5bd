// SPDX-License-Identifier: BSL-1.0

#include "redis_relay.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "link.hpp"

namespace chat {
namespace redis {
namespace {

void check(const redis_options& options) {
  const auto refuse = [](const char* why) {
    throw std::invalid_argument(std::string("the options of Redis: ") + why);
  };
  if (options.prefix.empty()) refuse("a prefix is missing");
  if (options.outbox == 0 || options.keep == 0 || options.page == 0)
    refuse("numbers of messages must not be 0");
  constexpr aio::duration none{};
  if (options.connect_limit <= none || options.ping <= none ||
      options.first_retry <= none || options.last_retry < options.first_retry ||
      options.heartbeat <= none || options.silence <= options.heartbeat)
    refuse("the times do not fit together");
}

class redis_relay final : public relay {
 public:
  redis_relay(address where, const redis_options& options)
      : link_(std::make_shared<link>(std::move(where), options)) {}
  ~redis_relay() override { link_->abandon(); }

  aio::coro<> start(relay_listener& to) override {
    return call<relay_listener&>(link_, &link::start, to);
  }
  bool say(message said) override { return link_->say(std::move(said)); }
  void arrive(const std::string& room, const std::string& name) override {
    link_->arrive(room, name);
  }
  void depart(const std::string& room, const std::string& name) override {
    link_->depart(room, name);
  }
  aio::coro<> settle() override { return call<>(link_, &link::settle); }
  aio::coro<> stop() override { return call<>(link_, &link::stop); }
  std::string_view state() const override { return link_->is_up() ? "up" : "down"; }

 private:
  // The link lives as long as the call.
  template <class... Args>
  static aio::coro<> call(std::shared_ptr<link> on, aio::coro<> (link::*what)(Args...),
                          Args... args) {
    co_await (*on.*what)(args...);
  }

  std::shared_ptr<link> link_;
};

}  // namespace
}  // namespace redis

std::unique_ptr<relay> make_redis_relay(const std::string& url,
                                        const redis_options& options) {
  redis::check(options);
  return std::make_unique<redis::redis_relay>(redis::parse_address(url), options);
}

}  // namespace chat
