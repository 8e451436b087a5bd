// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: what tasks wait for, without Asio.
///
/// | you want                                     | use                              |
/// | -------------------------------------------- | -------------------------------- |
/// | to tell others that something has happened   | `event`                          |
/// | one task at a time, across its awaits        | `lock`                           |
/// | so many at a time                            | `semaphore`, `bounded_semaphore` |
/// | to hand items from task to task              | `queue<T>`                       |
/// | the smallest item first                      | `priority_queue<T>`              |
/// | the last item first                          | `lifo_queue<T>`                  |
/// | to wait for a change of what a lock protects | `condition`                      |
/// | tasks that go on together                    | `barrier`                        |
///
/// Tasks of one loop never run at the same time: what no await separates needs no lock.
/// All of these are fair, belong to one loop, and none of them needs one to be made.
/// Who is woken runs on the next turn, and takes what it was woken for only then: if it
/// is cancelled before, the next in line gets it, and nothing is lost. They must
/// outlive the tasks that use them.
///
///     aio::coro<int> sum_of(std::vector<int> numbers) {
///       aio::queue<int> jobs(2);
///       int sum = 0;
///       auto worker = aio::create_task([&]() -> aio::coro<> {
///         while (auto n = co_await jobs.next()) sum += *n;
///       });
///       for (const int n : numbers) co_await jobs.put(n);
///       jobs.shutdown();
///       co_await worker;
///       co_return sum;
///     }

#pragma once

#include <aio/sync/barrier.hpp>
#include <aio/sync/condition.hpp>
#include <aio/sync/event.hpp>
#include <aio/sync/lock.hpp>
#include <aio/sync/queue.hpp>
#include <aio/sync/semaphore.hpp>
