// database: the async context manager of the asyncio articles with a real database
// behind it: SQLite in a thread, or PostgreSQL on the loop itself.
//
//   $ database                                  # SQLite in memory
//   $ database notes.db                         # SQLite in a file
//   $ database postgresql://user@host/name      # PostgreSQL
//
// It makes a table and asks for it, shows a transaction that is rolled back and an error
// of the database, and lets a task tick while a query takes a second: how late that task
// ever was is printed. At last a query is cancelled, and the connection goes on.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "database/connection.hpp"
#include "support/program.hpp"

using namespace std::chrono_literals;
using database::connection;
using milliseconds = std::chrono::duration<double, std::milli>;

void print(const database::result& result) {
  for (const database::row& row : result.rows) {
    std::vector<std::string> texts;
    for (const database::value& one : row) texts.push_back(one.value_or("NULL"));
    fmt::print("  {}\n", fmt::join(texts, " | "));
  }
}

aio::coro<> add(connection& db, std::string name, std::string balance) {
  std::vector<database::value> parameters;
  parameters.emplace_back(std::move(name));
  parameters.emplace_back(std::move(balance));
  co_await db.query("INSERT INTO accounts (name, balance) VALUES ($1, $2)",
                    std::move(parameters));
}

aio::coro<> accounts(connection& db) {
  co_await db.query("DROP TABLE IF EXISTS accounts");
  co_await db.query("CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER)");
  co_await add(db, "Alice", "10");
  co_await add(db, "Robert'); DROP TABLE accounts; --", "0");
  fmt::print("accounts:\n");
  print(co_await db.query("SELECT name, balance FROM accounts ORDER BY name"));

  try {
    co_await aio::with(database::transaction(db), [&]() -> aio::coro<> {
      co_await add(db, "Carol", "30");
      co_await add(db, "Alice", "99");  // there is one already
    });
  } catch (const database::error& error) {
    fmt::print("refused: {}\n", error.what());
  }
  fmt::print("after the rollback:\n");
  print(co_await db.query("SELECT count(*), sum(balance) FROM accounts"));
}

// How long other programs had the processor while this thread could have run.
std::chrono::nanoseconds stolen_time() {
  std::int64_t ran = 0, waited = 0;
  std::ifstream("/proc/thread-self/schedstat") >> ran >> waited;
  return std::chrono::nanoseconds(waited);
}

// Ticks each millisecond, and keeps how late it was (through no fault of others).
aio::coro<> tick(std::vector<double>& lateness) {
  for (;;) {
    const auto due = aio::get_running_loop().time() + 1ms;
    const auto stolen = stolen_time();
    co_await aio::sleep(1ms);
    const auto late = aio::get_running_loop().time() - due;
    const milliseconds own = late - (stolen_time() - stolen);
    lateness.push_back(std::max(own.count(), 0.0));
  }
}

std::string counting_query(std::int64_t rows) {
  return fmt::format(
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {}) "
      "SELECT count(*) FROM c",
      rows);
}

// A query that takes about a second.
aio::coro<std::string> slow_query(connection& db) {
  if (db.name().starts_with("PostgreSQL")) co_return "SELECT pg_sleep(1)";
  const auto start = aio::get_running_loop().time();
  co_await db.query(counting_query(200'000));
  const milliseconds taken = aio::get_running_loop().time() - start;
  co_return counting_query(static_cast<std::int64_t>(200'000 * 1000 / taken.count()));
}

aio::coro<> stay_responsive(connection& db) {
  std::string slow = co_await slow_query(db);
  std::vector<double> lateness;
  auto ticking = aio::create_task(tick(lateness));
  const auto start = aio::get_running_loop().time();
  co_await db.query(std::move(slow));
  const milliseconds taken = aio::get_running_loop().time() - start;
  ticking.cancel();
  std::ranges::sort(lateness);
  fmt::print(
      "a query of {:.1f} s: {} ticks, late by {:.2f} ms (median), {:.2f} ms (max)\n",
      taken.count() / 1000, lateness.size(), lateness[lateness.size() / 2],
      lateness.back());
}

aio::coro<> cancel_one(connection& db) {
  const bool is_postgres = db.name().starts_with("PostgreSQL");
  std::string endless =
      is_postgres ? "SELECT pg_sleep(3600)" : counting_query(1LL << 60);
  const auto start = aio::get_running_loop().time();
  try {
    co_await aio::wait_for(db.query(std::move(endless)), 100ms);
  } catch (const aio::timeout_error&) {
    fmt::print("an endless query: given up\n");
  }
  print(co_await db.query("SELECT 'the connection goes on'"));
  const milliseconds taken = aio::get_running_loop().time() - start;
  fmt::print("within a second: {}\n", taken < 1s ? "yes" : "no");
}

aio::coro<int> amain(std::string url) {
  auto block = [](connection& db) -> aio::coro<> {
    fmt::print("connected to {}\n", db.name());
    co_await accounts(db);
    co_await stay_responsive(db);
    co_await cancel_one(db);
    co_await db.query("DROP TABLE accounts");
  };
  co_await aio::with(database::session(std::move(url)), block);
  fmt::print("disconnected\n");
  co_return 0;
}

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : ":memory:";
  if (argc > 2 || url.starts_with('-')) support::exit_with_usage(argv[0], "[URL]");
  return support::run(argv[0], amain(url));
}
