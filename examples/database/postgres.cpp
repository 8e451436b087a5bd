// PostgreSQL through libpq's interface for event loops: it never blocks but says what it
// waits for, and the loop watches its socket.
//
// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#ifdef WITH_POSTGRES

#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace database {
namespace {

struct freeing {
  void operator()(PGconn* c) const { PQfinish(c); }
  void operator()(PGresult* r) const { PQclear(r); }
  void operator()(PGcancel* c) const { PQfreeCancel(c); }
};
using result_ptr = std::unique_ptr<PGresult, freeing>;

// libpq's texts end with line feeds.
std::string trimmed(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

// Waits for the socket: to be read, and if `writes`, or to be written.
aio::coro<> wait_ready(int fd, bool reads, bool writes) {
  aio::event_loop& loop = aio::get_running_loop();
  const aio::future<> ready = loop.create_future();
  const auto wake = [ready] {
    if (!ready.done()) ready.set_result();
  };
  const aio::detail::scope_exit at_last([&] {
    if (reads) loop.remove_reader(fd);
    if (writes) loop.remove_writer(fd);
  });
  if (reads) loop.add_reader(fd, wake);
  if (writes) loop.add_writer(fd, wake);
  co_await ready;
}

result rows_of(const PGresult* from) {
  result made;
  const int columns = PQnfields(from);
  for (int i = 0; i < columns; ++i) made.columns.emplace_back(PQfname(from, i));
  for (int r = 0; r < PQntuples(from); ++r) {
    row& one = made.rows.emplace_back();
    for (int i = 0; i < columns; ++i) {
      value& field = one.emplace_back();
      if (PQgetisnull(from, r, i) != 0) continue;
      field.emplace(PQgetvalue(from, r, i),
                    static_cast<std::size_t>(PQgetlength(from, r, i)));
    }
  }
  return made;
}

class postgres_connection final : public connection {
 public:
  aio::coro<> open(std::string url) {
    // This one may look up a name, which blocks.
    auto start = [url = std::move(url)] {
      return std::shared_ptr<PGconn>(PQconnectStart(url.c_str()), freeing());
    };
    connection_ = co_await aio::to_thread(std::move(start));
    PGconn* const c = connection_.get();
    PQsetNoticeProcessor(
        c, [](void*, const char*) {}, nullptr);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (PQstatus(c) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
           next != PGRES_POLLING_FAILED) {
      // Its socket may be another one after each step.
      const bool reads = next == PGRES_POLLING_READING;
      co_await wait_ready(PQsocket(c), reads, !reads);
      next = PQconnectPoll(c);
    }
    if (PQstatus(c) != CONNECTION_OK) throw_lost();
    if (PQsetnonblocking(c, 1) != 0) throw_lost();
  }

  aio::coro<result> query(std::string sql, std::vector<value> parameters) override {
    const auto turn = co_await turn_.scoped();
    if (!connection_) throw connection_error("the connection is closed");
    std::exception_ptr cancelled;
    try {
      co_return co_await exchange(sql, parameters);
    } catch (const aio::cancelled_error&) {
      cancelled = std::current_exception();
    }
    // What the query still yields must be taken before the next one; who cannot wait for
    // that has no connection any more.
    auto kept = std::move(connection_);
    co_await stop(kept);
    connection_ = std::move(kept);
    std::rethrow_exception(cancelled);
  }

  aio::coro<> close() override {
    const auto turn = co_await turn_.scoped();
    connection_.reset();
  }

  std::string name() const override {
    const int version = PQserverVersion(connection_.get());
    return "PostgreSQL " + std::to_string(version / 10000) + "." +
           std::to_string(version % 10000);
  }

 private:
  // ----- one query -----

  aio::coro<result> exchange(const std::string& sql,
                             const std::vector<value>& parameters) {
    PGconn* const c = connection_.get();
    std::vector<const char*> texts;
    for (const value& one : parameters) texts.push_back(one ? one->c_str() : nullptr);
    if (PQsendQueryParams(c, sql.c_str(), static_cast<int>(texts.size()), nullptr,
                          texts.data(), nullptr, nullptr, 0) == 0) {
      throw_lost();
    }
    co_await flush(c);
    result rows;
    std::string refused;
    for (;;) {
      const result_ptr part = co_await next_result(c);
      if (!part) break;
      const ExecStatusType status = PQresultStatus(part.get());
      if (status == PGRES_TUPLES_OK) {
        rows = rows_of(part.get());
      } else if (status != PGRES_COMMAND_OK) {
        refused = trimmed(PQresultErrorMessage(part.get()));
      }
    }
    if (PQstatus(c) == CONNECTION_BAD) throw_lost();
    if (!refused.empty()) throw error("PostgreSQL: " + refused);
    co_return rows;
  }

  // The server may want to be read before it reads.
  aio::coro<> flush(PGconn* c) {
    int left = PQflush(c);
    while (left > 0) {
      co_await wait_ready(PQsocket(c), true, true);
      if (PQconsumeInput(c) == 0) throw_lost();
      left = PQflush(c);
    }
    if (left < 0) throw_lost();
  }

  aio::coro<result_ptr> next_result(PGconn* c) {
    while (PQisBusy(c) != 0) {
      co_await wait_ready(PQsocket(c), true, false);
      if (PQconsumeInput(c) == 0) throw_lost();
    }
    co_return result_ptr(PQgetResult(c));
  }

  // ----- its end -----

  // PQcancel() opens a connection of its own, and blocks.
  aio::coro<> stop(std::shared_ptr<PGconn> c) {
    std::shared_ptr<PGcancel> how(PQgetCancel(c.get()), freeing());
    auto call = [how] {
      std::array<char, 256> why{};
      PQcancel(how.get(), why.data(), static_cast<int>(why.size()));
    };
    co_await aio::to_thread(std::move(call));
    co_await aio::wait_for(drain(c.get()), std::chrono::seconds(5));
  }

  aio::coro<> drain(PGconn* c) {
    co_await flush(c);
    bool is_more = true;
    while (is_more) {
      const result_ptr part = co_await next_result(c);
      is_more = part != nullptr;
    }
  }

  [[noreturn]] void throw_lost() {
    const auto lost = std::move(connection_);
    const std::string why =
        lost ? trimmed(PQerrorMessage(lost.get())) : "it was closed";
    throw connection_error("PostgreSQL: " + why);
  }

  std::shared_ptr<PGconn> connection_;
  aio::lock turn_;
};

}  // namespace

aio::coro<std::unique_ptr<connection>> open_postgres(std::string url) {
  auto made = std::make_unique<postgres_connection>();
  co_await made->open(std::move(url));
  co_return made;
}

}  // namespace database

#else

aio::coro<std::unique_ptr<database::connection>> database::open_postgres(std::string) {
  throw connection_error("this program was built without PostgreSQL");
}

#endif
