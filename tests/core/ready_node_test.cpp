// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/ready_node.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

namespace {

struct node final : aio::detail::ready_node {
  void run() override { ++runs; }
  int runs = 0;
};

}  // namespace

TEST_CASE("ready_node: leaves its list when it is destroyed", "[core][ready_node]") {
  aio::detail::intrusive_list<aio::detail::ready_node> list;
  node stays;
  {
    node goes;
    list.push_back(goes);
    list.push_back(stays);
  }
  REQUIRE_FALSE(list.empty());
  list.front().discard();  // does nothing unless it is overridden
  list.pop_front().run();
  CHECK(stays.runs == 1);
  CHECK(list.empty());
}
