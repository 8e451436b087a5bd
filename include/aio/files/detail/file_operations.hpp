// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What can be done with an open file. A call that needs no more than what was read
/// ahead, or only adds to what is to be written, goes through no thread.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/file_core.hpp>
#include <aio/files/detail/file_state.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

inline coro<std::string> read_from(file_ptr of, std::size_t size) {
  const auto turn = co_await of->begin();
  of->check_readable();
  file_core& core = of->core();
  if (core.mode().binary) {
    if (core.unread().size() < size) {
      co_await of->in_thread([size](file_core& c) { c.fill(size); });
    }
    co_return core.take(std::min(size, core.unread().size()));
  }
  if (core.count(size).characters < size) {
    co_await of->in_thread([size](file_core& c) { c.fill_characters(size); });
  }
  co_return core.take(core.count(size).size);
}

inline coro<std::string> read_all_from(file_ptr of) {
  const auto turn = co_await of->begin();
  of->check_readable();
  co_await of->in_thread([](file_core& c) { c.fill_to_end(); });
  co_return of->core().take(of->core().unread().size());
}

/// The size of the next line; 0 at the end.
inline coro<std::size_t> read_line_ahead(file_state& of) {
  std::optional<std::size_t> size;
  if (of.core().has_read_ahead()) size = of.core().line_size();
  if (!size) {
    co_await of.in_thread([](file_core& c) { c.fill_line(); });
    size = of.core().line_size();
  }
  co_return *size;
}

inline coro<std::string> read_line_from(file_ptr of) {
  const auto turn = co_await of->begin();
  of->check_readable();
  const std::size_t size = co_await read_line_ahead(*of);
  co_return of->core().take(size);
}

inline coro<std::optional<std::string>> next_line_from(file_ptr of) {
  std::optional<std::string> line = co_await read_line_from(std::move(of));
  if (line->empty()) line.reset();
  co_return line;
}

inline coro<std::vector<std::string>> read_lines_from(file_ptr of, std::size_t hint) {
  const auto turn = co_await of->begin();
  of->check_readable();
  std::vector<std::string> lines;
  std::size_t total = 0;
  for (;;) {
    const std::size_t size = co_await read_line_ahead(*of);
    if (size == 0) break;
    lines.push_back(of->core().take(size));
    total += size;
    if (hint > 0 && total >= hint) break;
  }
  co_return lines;
}

inline coro<std::size_t> read_into_from(file_ptr of, std::span<std::byte> to) {
  const auto turn = co_await of->begin();
  of->check_readable();
  const std::size_t size = to.size();
  file_core& core = of->core();
  if (core.unread().size() < size) {
    co_await of->in_thread([size](file_core& c) { c.fill(size); });
  }
  const std::string taken = core.take(std::min(size, core.unread().size()));
  std::ranges::copy(std::as_bytes(std::span(taken)), to.begin());
  co_return taken.size();
}

inline coro<std::size_t> write_to(file_ptr of, std::string bytes) {
  const auto turn = co_await of->begin();
  of->check_writable();
  file_core& core = of->core();
  const std::size_t size = bytes.size();
  if (core.has_read_ahead()) {
    co_await of->in_thread([](file_core& c) { c.forget_read_ahead(); });
  }
  const bool is_much = core.put(std::move(bytes));
  if (is_much) co_await of->in_thread([](file_core& c) { c.write_out(); });
  co_return size;
}

inline coro<> flush_file(file_ptr of) {
  const auto turn = co_await of->begin();
  of->check_open();
  if (of->core().has_unwritten()) {
    co_await of->in_thread([](file_core& c) { c.write_out(); });
  }
}

inline coro<> sync_file(file_ptr of) {
  const auto turn = co_await of->begin();
  of->check_open();
  co_await of->in_thread([](file_core& c) { c.sync(); });
}

inline coro<std::int64_t> seek_file(file_ptr of, std::int64_t offset, int whence) {
  const auto turn = co_await of->begin();
  of->check_open();
  auto result = std::make_shared<std::int64_t>(0);
  auto work = [=](file_core& c) { *result = c.seek(offset, whence); };
  co_await of->in_thread(std::move(work));
  co_return *result;
}

inline coro<std::int64_t> tell_file(file_ptr of) {
  const auto turn = co_await of->begin();
  of->check_open();
  auto result = std::make_shared<std::int64_t>(0);
  auto work = [=](file_core& c) { *result = c.tell(); };
  co_await of->in_thread(std::move(work));
  co_return *result;
}

inline coro<std::int64_t> truncate_file(file_ptr of, std::optional<std::int64_t> size) {
  const auto turn = co_await of->begin();
  of->check_writable();
  auto result = std::make_shared<std::int64_t>(0);
  auto work = [=](file_core& c) { *result = c.truncate(size); };
  co_await of->in_thread(std::move(work));
  co_return *result;
}

inline coro<> close_file(file_ptr of) {
  const auto turn = co_await of->begin();
  if (of->core().is_open()) {
    co_await of->in_thread([](file_core& c) { c.close(); });
  }
}

}  // namespace aio::detail
