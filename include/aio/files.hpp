// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: files and directories, in the manner of aiofiles. What blocks is done in
/// the threads of the loop's executor.
///
///     aio::coro<> count(std::string path) {
///       auto f = co_await aio::files::open(path);
///       std::size_t lines = 0;
///       while (auto line = co_await f.next_line()) ++lines;
///       co_await f.close();
///     }

#pragma once

#include <aio/files/directories.hpp>
#include <aio/files/file.hpp>
#include <aio/files/file_error.hpp>
#include <aio/files/open.hpp>
#include <aio/files/open_options.hpp>
#include <aio/files/paths.hpp>
#include <aio/files/status.hpp>
#include <aio/files/temporary.hpp>
#include <aio/files/wrap.hpp>
