// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Precompiled for core_tests: what nearly every test includes, and nothing of aio,
/// which changes. No Asio here: these tests show that the core does without it.

#pragma once

#include <support/catch.hpp>

#include <fmt/format.h>

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
