// The relay that the options ask for.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <memory>

#include "options.hpp"
#include "relay.hpp"

namespace chat {

/// Throws: std::invalid_argument – no such URL, or the program was built without hiredis
std::unique_ptr<relay> make_relay(const options& with);

}  // namespace chat
