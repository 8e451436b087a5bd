// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The sweep of aio/testing/cancel_at_every_await.hpp for tests that know no Asio.

#pragma once

#include <aio/task/run_until_complete.hpp>
#include <aio/testing/cancel_sweep.hpp>
#include <aio/testing/virtual_loop.hpp>

namespace test {

template <class Make, class Check>
int cancel_at_every_await(Make make, Check check) {
  struct world {
    aio::testing::virtual_loop loop;
    aio::detail::loop_core& core() { return loop.core(); }
    void end() { aio::detail::cancel_all_tasks(core()); }
  };
  return aio::detail::cancel_sweep([] { return world(); }, make, check);
}

}  // namespace test
