// What the databases of the example have in common: connections whose queries are
// awaited, as async context managers.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace database {

/// What the database says when it refuses something.
struct error : std::runtime_error {
  using runtime_error::runtime_error;
};

/// The connection is gone, and with it what was under way.
struct connection_error : error {
  using error::error;
};

using value = std::optional<std::string>;  // none: NULL
using row = std::vector<value>;

struct result {
  std::vector<std::string> columns;
  std::vector<row> rows;
};

/// An open connection; one query at a time, those of other tasks wait in line.
class connection {
 public:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() = default;

  /// Awaits the rows of one statement, in which $1, $2, ... stand for `parameters` (in
  /// this order).
  ///
  /// Cancellation: interrupts the statement; the connection can be used further.
  /// Throws:       error; connection_error – of no use any more; cancelled_error
  virtual aio::coro<result> query(std::string sql,
                                  std::vector<value> parameters = {}) = 0;

  /// Does nothing the second time.
  virtual aio::coro<> close() = 0;

  /// "SQLite 3.40.1"
  virtual std::string name() const = 0;
};

/// Opens a file (or ":memory:"), in a thread of its own.
aio::coro<std::unique_ptr<connection>> open_sqlite(std::string path);
/// Connects to "postgresql://...".
aio::coro<std::unique_ptr<connection>> open_postgres(std::string url);

/// `async with Database(url) as connection`: connected inside of the block only.
class session {
 public:
  explicit session(std::string url) : url_(std::move(url)) {}

  aio::coro<connection&> enter() {
    const bool is_postgres =
        url_.starts_with("postgresql:") || url_.starts_with("postgres:");
    if (is_postgres) {
      open_ = co_await open_postgres(url_);
    } else {
      open_ = co_await open_sqlite(url_);
    }
    co_return *open_;
  }

  aio::coro<> exit(const std::exception_ptr&) { return open_->close(); }

 private:
  std::string url_;
  std::unique_ptr<connection> open_;
};

/// `async with connection.transaction()`: all of the block is done, or nothing.
class transaction {
 public:
  explicit transaction(connection& on) : on_(on) {}

  aio::coro<> enter() { co_await on_.query("BEGIN"); }

  aio::coro<> exit(std::exception_ptr error) {
    co_await on_.query(error ? "ROLLBACK" : "COMMIT");
  }

 private:
  connection& on_;
};

}  // namespace database
