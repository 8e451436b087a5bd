// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace subproc_interactive {
using namespace conformance;

aio::coro<std::string> stripped(aio::stream_reader from) {
  std::string line = co_await from.readline();
  while (!line.empty() && line.back() == '\n') line.pop_back();
  co_return line;
}

aio::coro<> amain() {
  auto process =
      co_await aio::create_subprocess_exec({.in = aio::pipe, .out = aio::pipe}, "cat");
  for (const std::string word : {"ping", "pong", "end"}) {
    process.in.write(word + "\n");
    co_await process.in.drain();
    const std::string answer = co_await stripped(process.out);
    print("cat says", answer);
  }
  print("running", !process.returncode());
  process.in.close();
  co_await process.in.wait_closed();
  const std::string rest = co_await process.out.read();
  print("end of file:", rest.size(), "at_eof", process.out.at_eof());
  int code = co_await process.wait();
  print("wait", code);

  // a little protocol over pipes
  const char* const script =
      "while read a b; do case $a in add) echo $((b + 1));; "
      "quit) echo bye >&2; exit 5;; esac; done";
  process = co_await aio::create_subprocess_shell(
      script, {.in = aio::pipe, .out = aio::pipe, .err = aio::pipe});
  for (const int n : {1, 41}) {
    process.in.write(fmt::format("add {}\n", n));
    const std::string sum = co_await stripped(process.out);
    print("add", n, "->", std::stoi(sum));
  }
  process.in.write("quit x\n");
  const std::string bye = co_await stripped(process.err);
  print("stderr", bye);
  code = co_await process.wait();
  print("wait", code);

  // what was written before the end can be read after it
  process = co_await aio::create_subprocess_shell("echo left behind; exit 2",
                                                  {.out = aio::pipe});
  code = co_await process.wait();
  print("wait", code);
  const std::string left = co_await stripped(process.out);
  print("read afterwards:", left);

  // reading line by line until the end
  process = co_await aio::create_subprocess_shell(
      "for i in 1 2 3; do echo line $i; done", {.out = aio::pipe});
  for (;;) {
    const std::string line = co_await stripped(process.out);
    if (line.empty()) break;
    print("got", line);
  }
  code = co_await process.wait();
  print("wait", code);
}

AIO_TWIN(subproc_interactive) { aio::run(amain()); }
}  // namespace subproc_interactive
