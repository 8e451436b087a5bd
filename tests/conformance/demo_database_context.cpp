// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <map>

namespace demo_database_context {
using namespace conformance;

using table = std::map<std::string, std::string>;

class database;

class transaction {
 public:
  explicit transaction(database& db) : db_(db) {}

  aio::coro<transaction&> enter() {
    print("begin");
    co_return *this;
  }

  aio::coro<> set(std::string key, std::string value) {
    co_await aio::sleep(0s);
    changes_[key] = value;
  }

  aio::coro<> exit(std::exception_ptr error);

 private:
  database& db_;
  table changes_;
};

class database {
 public:
  explicit database(std::string name) : name_(std::move(name)) {}

  aio::coro<database&> enter() {
    print("connect", name_);
    co_await aio::sleep(0s);
    is_open_ = true;
    co_return *this;
  }

  aio::coro<> exit(std::exception_ptr error) {
    co_await aio::sleep(0s);
    is_open_ = false;
    print("disconnect", name_, error ? "after an error" : "in order");
  }

  transaction begin() { return transaction(*this); }

  aio::coro<std::string> query(std::string key) {
    co_await aio::sleep(0s);
    const auto found = rows.find(key);
    co_return found == rows.end() ? "nothing" : found->second;
  }

  bool is_open() const { return is_open_; }

  table rows;

 private:
  std::string name_;
  bool is_open_ = false;
};

aio::coro<> transaction::exit(std::exception_ptr error) {
  co_await aio::sleep(0s);
  if (!error) {
    for (const auto& [key, value] : changes_) db_.rows[key] = value;
  }
  print(error ? "rollback" : "commit");
}

aio::coro<> trade(database& db) {
  co_await aio::with(db.begin(), [](transaction& t) -> aio::coro<> {
    co_await t.set("apple", "3");
    co_await t.set("pear", "5");
  });
  const std::string apples = co_await db.query("apple");
  const std::string pears = co_await db.query("pear");
  print("apple", apples, "pear", pears);

  bool failed = false;
  try {
    co_await aio::with(db.begin(), [](transaction& t) -> aio::coro<> {
      co_await t.set("apple", "0");
      throw key_error("");
    });
  } catch (const key_error&) {
    failed = true;
  }
  if (failed) {
    const std::string left = co_await db.query("apple");
    print("key_error; apple", left);
  }

  bool timed_out = false;
  try {
    co_await aio::timeout(10ms, [&db]() -> aio::coro<> {
      co_await aio::with(db.begin(), [](transaction& t) -> aio::coro<> {
        co_await t.set("pear", "0");
        co_await aio::sleep(60s);
      });
    });
  } catch (const aio::timeout_error&) {
    timed_out = true;
  }
  if (timed_out) {
    const std::string left = co_await db.query("pear");
    print("timeout; pear", left);
  }
}

aio::coro<> amain() {
  database shop("shop");
  co_await aio::with(shop, trade);
  print("open", shop.is_open());

  database a("other");
  database b("third");
  try {
    co_await aio::with(a, [&b](database&) -> aio::coro<> {
      co_await aio::with(b, [](database&) -> aio::coro<> {
        throw value_error("");
        co_return;
      });
    });
  } catch (const value_error&) {
    print("value_error; open", a.is_open(), b.is_open());
  }
}

AIO_TWIN(demo_database_context) { aio::run(amain()); }

}  // namespace demo_database_context
