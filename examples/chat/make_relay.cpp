// SPDX-License-Identifier: BSL-1.0

#include "make_relay.hpp"

#include <stdexcept>

#include "memory_relay.hpp"
#if WITH_REDIS
#include "redis/redis_relay.hpp"
#endif

namespace chat {

std::unique_ptr<relay> make_relay(const options& with) {
  if (with.redis.empty()) return std::make_unique<memory_relay>();
#if WITH_REDIS
  return make_redis_relay(with.redis);
#else
  throw std::invalid_argument(
      "--redis: this program was built without hiredis (libhiredis-dev)");
#endif
}

}  // namespace chat
