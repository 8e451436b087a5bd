// SQLite, whose calls block: a thread for each connection makes them, one after the
// other, and the loop awaits it.
//
// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#ifdef WITH_SQLITE

#include <sqlite3.h>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstddef>

namespace database {
namespace {

struct closing {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using statement = std::unique_ptr<sqlite3_stmt, closing>;

[[noreturn]] void fail(sqlite3* db) {
  throw error(std::string("SQLite: ") + sqlite3_errmsg(db));
}

statement prepare(sqlite3* db, const std::string& sql,
                  const std::vector<value>& parameters) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &made, nullptr) != SQLITE_OK) fail(db);
  statement prepared(made);
  if (!prepared) throw error("SQLite: not a statement: " + sql);
  int place = 0;
  for (const value& one : parameters) {
    ++place;
    const int code = one ? sqlite3_bind_text64(made, place, one->data(), one->size(),
                                               SQLITE_TRANSIENT, SQLITE_UTF8)
                         : sqlite3_bind_null(made, place);
    if (code != SQLITE_OK) fail(db);
  }
  return prepared;
}

value column(sqlite3_stmt* of, int number) {
  const unsigned char* const text = sqlite3_column_text(of, number);
  if (text == nullptr) return std::nullopt;
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(of, number));
  return std::string(reinterpret_cast<const char*>(text), size);
}

int is_interrupted(void* flag) {
  return static_cast<std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

// What the thread does for a query.
result execute(sqlite3* db, const std::string& sql,
               const std::vector<value>& parameters, std::atomic<bool>& interrupted) {
  // sqlite3_interrupt() alone would do nothing if it came before the first step.
  sqlite3_progress_handler(db, 1000, is_interrupted, &interrupted);
  const aio::detail::scope_exit at_last(
      [db] { sqlite3_progress_handler(db, 0, nullptr, nullptr); });

  const statement prepared = prepare(db, sql, parameters);
  result all;
  const int columns = sqlite3_column_count(prepared.get());
  for (int i = 0; i < columns; ++i) {
    all.columns.emplace_back(sqlite3_column_name(prepared.get(), i));
  }
  for (;;) {
    const int code = sqlite3_step(prepared.get());
    if (code == SQLITE_DONE) return all;
    if (code != SQLITE_ROW) fail(db);
    row& one = all.rows.emplace_back();
    for (int i = 0; i < columns; ++i) one.push_back(column(prepared.get(), i));
  }
}

class sqlite_connection final : public connection {
 public:
  aio::coro<> open(std::string path) {
    auto call = [path = std::move(path)] {
      sqlite3* made = nullptr;
      const int code = sqlite3_open(path.c_str(), &made);
      std::shared_ptr<sqlite3> db(made, closing());
      if (code != SQLITE_OK) {
        throw connection_error("cannot open '" + path + "': " + sqlite3_errstr(code));
      }
      sqlite3_busy_timeout(made, 5000);
      return db;
    };
    db_ = co_await aio::get_running_loop().run_in_executor(thread_, std::move(call));
  }

  aio::coro<result> query(std::string sql, std::vector<value> parameters) override {
    if (!db_) throw connection_error("the connection is closed");
    auto interrupted = std::make_shared<std::atomic<bool>>(false);
    // The thread owns what it uses: it goes on for a moment after a cancel.
    auto call = [db = db_, sql = std::move(sql), parameters = std::move(parameters),
                 interrupted] {
      return execute(db.get(), sql, parameters, *interrupted);
    };
    bool is_done = false;
    const aio::detail::scope_exit at_last([&] {
      if (is_done) return;
      interrupted->store(true);
    });
    result rows =
        co_await aio::get_running_loop().run_in_executor(thread_, std::move(call));
    is_done = true;
    co_return rows;
  }

  aio::coro<> close() override {
    auto call = [db = std::move(db_)]() mutable { db.reset(); };
    co_await aio::get_running_loop().run_in_executor(thread_, std::move(call));
  }

  std::string name() const override {
    return std::string("SQLite ") + sqlite3_libversion();
  }

 private:
  boost::asio::thread_pool thread_{1};
  std::shared_ptr<sqlite3> db_;
};

}  // namespace

aio::coro<std::unique_ptr<connection>> open_sqlite(std::string path) {
  auto made = std::make_unique<sqlite_connection>();
  co_await made->open(std::move(path));
  co_return made;
}

}  // namespace database

#else

aio::coro<std::unique_ptr<database::connection>> database::open_sqlite(std::string) {
  throw connection_error("this program was built without SQLite");
}

#endif
