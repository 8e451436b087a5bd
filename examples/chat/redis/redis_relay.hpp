// Joins any number of processes to one chat, through Redis.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <memory>
#include <string>

#include "../relay.hpp"
#include "options.hpp"

namespace chat {

/// A relay over the Redis at `url`; see redis::parse_address for what that may be.
///
/// Messages go into a stream of Redis, which gives them their order, and are told when
/// they are read from it. Those that were taken stay here until then and are sent again
/// after each lost connection; who reads drops what he had already. So all processes tell
/// the same, each message once, and none is lost as long as Redis keeps its data. The
/// relay goes on through anything that happens to Redis. Its state is then "down", and
/// what is said waits.
///
/// start() throws redis::login_refused if Redis is there and does not let us in; a Redis
/// that is not there is waited for, also after start(). settle() throws redis::error when
/// stop() comes first.
///
/// If Redis has lost its data and its clock runs behind, the ids of messages go on from
/// the last one, in this process; their order is still that of all others.
///
/// Throws: std::invalid_argument – the URL, or options that make no sense
std::unique_ptr<relay> make_redis_relay(const std::string& url,
                                        const redis_options& options = {});

}  // namespace chat
