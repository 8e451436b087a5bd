// SPDX-License-Identifier: BSL-1.0

#include "make_relay.hpp"

#include <stdexcept>

#include "memory_relay.hpp"

namespace chat {

std::unique_ptr<relay> make_relay(const options& with) {
  if (with.redis.empty()) return std::make_unique<memory_relay>();
  throw std::invalid_argument(
      "--redis: this program was built without hiredis (libhiredis-dev)");
}

}  // namespace chat
