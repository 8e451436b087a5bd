// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace exception_handler {
using namespace conformance;

struct boom : std::exception {
  const char* what() const noexcept override { return "boom"; }
};

void bad(std::string_view tag) {
  print("callback", tag);
  throw boom();
}

aio::coro<> fails() {
  throw boom();
  co_return;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();

  const auto handler = [&loop](aio::event_loop& the_loop,
                               const aio::exception_context& context) {
    print("handler:", label(context.exception), "| same loop", &the_loop == &loop,
          "| message given", !context.message.empty());
  };

  print("handler is none", !loop.get_exception_handler());
  loop.set_exception_handler(handler);
  const auto held = loop.get_exception_handler();
  print("handler is ours",
        held.target<std::remove_const_t<decltype(handler)>>() != nullptr);

  // an error in a callback is reported and the loop goes on
  loop.call_soon(bad, "soon");
  loop.call_soon([] { print("the next callback runs"); });
  loop.call_later(10ms, bad, "later");
  co_await aio::sleep(50ms);

  const aio::future<> future = loop.create_future();
  future.add_done_callback([](const aio::future<>&) { bad("done 1"); });
  future.add_done_callback([](const aio::future<>&) { print("done 2 runs as well"); });
  future.set_result();
  co_await aio::sleep(0s);

  // reporting by hand
  loop.call_exception_handler({.message = "by hand"});
  loop.call_exception_handler({.message = "by hand",
                               .exception = std::make_exception_ptr(boom()),
                               .source = "extra"});

  // an error in a task is not reported while somebody may still ask for it
  const aio::task<> task = aio::create_task(fails());
  co_await aio::sleep(10ms);
  try {
    co_await task;
  } catch (const boom&) {
    print("caught boom, nothing was reported");
  }

  loop.set_exception_handler(nullptr);
  print("handler is none again", !loop.get_exception_handler());
}

AIO_TWIN(exception_handler) { aio::run(amain()); }

}  // namespace exception_handler
