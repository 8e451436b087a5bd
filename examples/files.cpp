// files: a program's log is written, searched and rotated without holding up the loop,
// in the manner of aiofiles. It prints what it finds, and how often another task had its
// turn meanwhile: at least once for each block that went to a thread.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace files = aio::files;

// [write]
// async with aiofiles.open(path, "w") as f: ...
aio::coro<> write_log(std::string path) {
  co_await aio::with(files::open(path, "w"), [](files::file& f) -> aio::coro<> {
    for (int i = 1; i <= 100'000; ++i) {
      co_await f.write(fmt::format("{} {}\n", i, i % 25'000 == 0 ? "error" : "fine"));
    }
  });
}
// [/write]

// [search]
// async for line in f: ...
aio::coro<> search_log(std::string path) {
  auto f = co_await files::open(path);
  while (auto line = co_await f.next_line()) {
    if (line->ends_with(" error\n")) fmt::print("found: {}", *line);
  }
  co_await f.close();
}
// [/search]

aio::coro<> rotate(std::string folder) {
  co_await files::makedirs(folder + "/old/2026", {.exist_ok = true});
  co_await files::rename(folder + "/log", folder + "/old/2026/log");
  for (const auto& entry : co_await files::scandir(folder)) {
    fmt::print("left: {}{}\n", entry.name, entry.is_directory() ? "/" : "");
  }
  const auto size = co_await files::getsize(folder + "/old/2026/log");
  fmt::print("rotated: {} bytes\n", size);
}

aio::coro<> read_back(std::string path) {
  auto f = co_await files::open(path, "rb");
  co_await f.seek(-13, SEEK_END);
  const std::string last = co_await f.readline();
  fmt::print("last line: {}", last);
  co_await f.close();
}

aio::coro<> amain() {
  bool goes_on = true;
  int turns = 0;
  auto others = aio::create_task([&]() -> aio::coro<> {
    while (goes_on) {
      ++turns;
      co_await aio::sleep(std::chrono::milliseconds(0));
    }
  });

  auto block = [](files::scratch_directory& folder) -> aio::coro<> {
    co_await write_log(folder / "log");
    co_await search_log(folder / "log");
    co_await rotate(folder.path());
    co_await read_back(folder / "old/2026/log");
  };
  co_await aio::with(files::temporary_directory(), block);

  try {
    co_await files::open("/nowhere/log");
  } catch (const files::file_error& error) {
    fmt::print("{}\n", error.what());
  }
  goes_on = false;
  co_await others;
  fmt::print("others had their turns: {}\n", turns > 40 ? "yes" : "no");
}

int main() { aio::run(amain()); }
