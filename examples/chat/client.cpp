// SPDX-License-Identifier: BSL-1.0

#include "client.hpp"

#include <fmt/format.h>

#include <openssl/sha.h>

#include <array>
#include <random>
#include <utility>

#include "log.hpp"

namespace chat {
namespace {

/// 16 hexadecimal digits, from which nobody finds the key.
std::string digest_of(std::string_view key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
           digest.data());
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string random_key() {
  static std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

client::client(hub& of, std::string_view kind, const std::string& address)
    : hub_(of),
      allowance_(of.limits().rate, of.limits().burst),
      number_(of.next_client()),
      me_(digest_of(random_key())) {
  ++hub_.counts().connections;
  log(log_level::info, "connected",
      {{"client", number_}, {"kind", kind}, {"address", address}});
}

client::~client() {
  if (room_) hub_.leave(*room_, *this);
  --hub_.counts().connections;
  log(log_level::info, "gone",
      {{"client", number_}, {"reason", reason_.empty() ? "closed" : reason_}});
}

bool client::go_to(const std::string& name) {
  room* const next = hub_.find(name);
  if (!next) return false;
  if (room_) hub_.leave(*room_, *this);
  room_ = next;
  room_->enter(*this);
  return true;
}

void client::introduce(const std::string& name) {
  hub_.introduce(*room_, *this, name);
  log(log_level::info, "joined",
      {{"client", number_}, {"room", room_->name()}, {"name", this->name()}});
}

void client::show_key(std::string_view key) { me_ = digest_of(key); }

std::string_view client::say(std::string text, std::string_view mark) {
  if (text.empty()) return "it is empty";
  if (text.size() > hub_.limits().max_message) {
    ++hub_.counts().refused;
    return "it is too long";
  }
  message said{
      {}, room_->name(), name(), std::move(text), fmt::format("{}-{}", me_, mark)};
  if (!hub_.say(std::move(said))) return "too much is waiting; try again later";
  return {};
}

aio::coro<> client::pace() {
  const aio::duration wait = allowance_.take(aio::get_running_loop().time());
  if (wait > aio::duration::zero()) {
    ++hub_.counts().throttled;
    co_await aio::sleep(wait);
  }
}

void client::ends_because(std::string_view reason) noexcept {
  if (reason_.empty()) reason_ = reason;
}

}  // namespace chat
