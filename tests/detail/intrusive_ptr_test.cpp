// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/intrusive_ptr.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <type_traits>
#include <utility>

namespace {

using aio::detail::intrusive_ptr;

struct thing : aio::detail::ref_counted {
  explicit thing(int& count) noexcept : alive(count) { ++alive; }
  ~thing() override { --alive; }
  int& alive;
};

struct special final : thing {
  using thing::thing;
};

/// Says that it is no longer needed instead of going.
struct kept final : aio::detail::ref_counted {
  int released = 0;

 private:
  void destroy() noexcept override { ++released; }
};

}  // namespace

TEST_CASE("intrusive_ptr: the last owner destroys", "[detail][intrusive_ptr]") {
  int alive = 0;
  {
    const intrusive_ptr a(new thing(alive));
    CHECK(a->use_count() == 1);
    {
      const auto b = a;
      CHECK(a->use_count() == 2);
      CHECK(a == b);
    }
    CHECK(a->use_count() == 1);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("intrusive_ptr: a move takes the place", "[detail][intrusive_ptr]") {
  int alive = 0;
  intrusive_ptr a(new thing(alive));
  thing* const object = a.get();
  intrusive_ptr b(std::move(a));
  CHECK(a.get() == nullptr);
  CHECK_FALSE(static_cast<bool>(a));
  CHECK(b.get() == object);
  CHECK(b->use_count() == 1);
  a = std::move(b);
  CHECK(a.get() == object);
  CHECK(a->use_count() == 1);
}

TEST_CASE("intrusive_ptr: assignment lets go of what was held",
          "[detail][intrusive_ptr]") {
  int alive = 0;
  intrusive_ptr a(new thing(alive)), b(new thing(alive));
  a = b;
  CHECK(alive == 1);
  const auto& self = a;
  a = self;
  CHECK(a->use_count() == 2);
  b = nullptr;
  CHECK(alive == 1);
  a = nullptr;
  CHECK(alive == 0);
}

TEST_CASE("intrusive_ptr: converts to a base, keeps objects that stood without",
          "[detail][intrusive_ptr]") {
  int alive = 0;
  intrusive_ptr<special> derived(new special(alive));
  const intrusive_ptr<thing> base = derived;
  CHECK(base->use_count() == 2);
  STATIC_REQUIRE_FALSE(
      std::is_convertible_v<intrusive_ptr<thing>, intrusive_ptr<special>>);
  const intrusive_ptr<thing> null = intrusive_ptr<special>();
  CHECK_FALSE(static_cast<bool>(null));

  thing* const raw = new thing(alive);
  CHECK(raw->use_count() == 0);
  raw->add_ref();
  { const intrusive_ptr<thing> second(raw); }
  CHECK(alive == 2);
  raw->release();
  CHECK(alive == 1);
}

TEST_CASE("ref_counted: destroy() may do something else", "[detail][intrusive_ptr]") {
  kept object;
  { const intrusive_ptr<kept> owner(&object); }
  CHECK(object.released == 1);
}
