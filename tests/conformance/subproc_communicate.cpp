// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <map>

namespace subproc_communicate {
using namespace conformance;

using words = std::vector<std::string>;

std::string show(const std::string& data, aio::child_stream where) {
  return where == aio::pipe ? quoted(data) : "none";
}

aio::coro<aio::process> run(std::string_view name, words argv, std::string data,
                            aio::subprocess_options options) {
  options.in = options.in.otherwise(aio::pipe);
  options.out = options.out.otherwise(aio::pipe);
  options.err = options.err.otherwise(aio::pipe);
  auto process = co_await aio::create_subprocess_exec(argv, options);
  auto [out, err] = co_await process.communicate(data);
  print(name, "code", process.returncode().value(), "out", show(out, options.out),
        "err", show(err, options.err));
  co_return process;
}

aio::coro<> run(std::string_view name, words argv,
                aio::subprocess_options options = {}) {
  co_await run(name, std::move(argv), std::string(), options);
}

words shell(const char* command) { return {"sh", "-c", command}; }

aio::coro<> amain() {
  const words cat{"cat"};
  co_await run("cat:", cat, "some data\nand more\n", {});
  co_await run("no input:", cat);
  co_await run("code 3:", shell("exit 3"));
  const char* const both = "echo to out; echo to err >&2";
  co_await run("both pipes:", shell(both));
  co_await run("merged:", shell(both), {.err = aio::to_stdout});
  co_await run("nowhere:", shell(both), {.out = aio::devnull, .err = aio::devnull});
  co_await run("null input:", cat, {.in = aio::devnull});
  const std::map<std::string, std::string> given{{"WORD", "given"}};
  const words echo{"/bin/sh", "-c", "echo $WORD"};
  co_await run("environment:", echo, {.env = given});
  const words pwd{"pwd"};
  co_await run("folder:", pwd, {.cwd = "/"});

  std::string big;
  for (int i = 0; i < 100'000; ++i) big += "0123456789";
  auto process =
      co_await aio::create_subprocess_exec(cat, {.in = aio::pipe, .out = aio::pipe});
  auto [out, none] = co_await process.communicate(big);
  print("a megabyte there and back:", out == big, "code", process.returncode().value());

  try {
    static_cast<void>(co_await aio::create_subprocess_exec({}, "no-such-program-here"));
  } catch (const boost::system::system_error&) {
    print("no such program:", label());
  }

  const words always{"true"};
  process = co_await run("done:", always, "", {});
  const int code = co_await process.wait();
  const int again = co_await process.wait();
  print("wait after the end:", code, "again", again);
  print("the pid is positive", process.pid() > 0);
}

AIO_TWIN(subproc_communicate) { aio::run(amain()); }
}  // namespace subproc_communicate
