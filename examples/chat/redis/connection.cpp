// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <fmt/format.h>

#include <fcntl.h>

#include <exception>
#include <utility>
#include <vector>

namespace chat::redis {
namespace {

value to_value(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return value(std::int64_t{reply.integer});
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return value(std::string(reply.str, reply.len));
    case REDIS_REPLY_ERROR:
      return value(value::refusal{std::string(reply.str, reply.len)});
    case REDIS_REPLY_ARRAY: {
      value::list several;
      several.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i)
        several.push_back(to_value(*reply.element[i]));
      return value(std::move(several));
    }
    default:
      return value();
  }
}

// One that is busy now may let us in later.
bool is_refused_login(std::string_view why) {
  return why.starts_with("WRONGPASS") || why.starts_with("NOAUTH") ||
         why.starts_with("NOPERM") ||
         (why.starts_with("ERR ") && !why.starts_with("ERR max number of clients"));
}

void check_login(const value& answer) {
  const std::string* const why = answer.error();
  if (why == nullptr) return;
  if (is_refused_login(*why)) throw login_refused(*why);
  throw refused(*why);
}

long long to_milliseconds(aio::duration of) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(of).count();
}

}  // namespace

/// A command that was sent.
struct connection::waiting {
  connection* of;
  aio::future<value> answer;  ///< empty: it was posted
};

/// What hiredis calls.
struct connection::hooks {
  static void attach(redisAsyncContext* to, connection* self) {
    to->data = self;
    to->ev.data = self;
    to->ev.addRead = [](void* c) { of(c).watch_descriptor(true); };
    to->ev.addWrite = [](void* c) { of(c).watch_descriptor(false); };
    to->ev.delRead = [](void* c) { stop_reading(of(c)); };
    to->ev.delWrite = [](void* c) { stop_writing(of(c)); };
    to->ev.cleanup = [](void* c) { of(c).freed(); };
    redisAsyncSetConnectCallback(to, [](const redisAsyncContext* c, int status) {
      of(c->data).connected(status == REDIS_OK);
    });
  }

  static void submit(connection& on, word_list command, redisCallbackFn* answer,
                     void* data) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view one : command) {
      texts.push_back(one.data());
      sizes.push_back(one.size());
    }
    if (on.context_ == nullptr ||
        redisAsyncCommandArgv(on.context_, answer, data, static_cast<int>(texts.size()),
                              texts.data(), sizes.data()) != REDIS_OK)
      on.throw_ended();
  }

  static connection& of(void* data) { return *static_cast<connection*>(data); }

  static void answer(redisAsyncContext*, void* reply, void* data) noexcept {
    const std::unique_ptr<waiting> one(static_cast<waiting*>(data));
    one->of->answered(*one, static_cast<const redisReply*>(reply));
  }

  static void publication(redisAsyncContext*, void* reply, void* data) noexcept {
    of(data).heard(static_cast<const redisReply*>(reply));
  }

  static void stop_reading(connection& c) {
    if (std::exchange(c.reads_, false)) c.loop_.remove_reader(c.context_->c.fd);
  }
  static void stop_writing(connection& c) {
    if (std::exchange(c.writes_, false)) c.loop_.remove_writer(c.context_->c.fd);
  }
};

// ----- opening -----

aio::coro<std::unique_ptr<connection>> connection::open(address where,
                                                        connection_options options) {
  std::unique_ptr<connection> made(new connection(options));
  try {
    co_await aio::wait_for(made->connect(where), options.limit);
  } catch (const aio::timeout_error&) {
    throw connection_error(fmt::format("no answer from {} within {} ms",
                                       to_string(where),
                                       to_milliseconds(options.limit)));
  }
  made->watch();
  co_return made;
}

aio::coro<> connection::connect(const address& where) {
  if (where.path.empty()) {
    co_await connect_to_any(where);
  } else {
    co_await attempt(redisAsyncConnectUnix(where.path.c_str()));
  }
  co_await log_in(where);
}

aio::coro<> connection::connect_to_any(const address& where) {
  std::vector<aio::address_info> found;
  try {
    auto look_up = loop_.getaddrinfo(where.host, where.port,
                                     aio::getaddrinfo_options{.type = SOCK_STREAM});
    found = co_await std::move(look_up);
  } catch (const boost::system::system_error& failure) {
    throw connection_error(failure.what());
  }
  std::string why = "no address";
  for (const aio::address_info& one : found) {
    try {
      const std::string numeric = one.endpoint.address();
      co_await attempt(redisAsyncConnect(numeric.c_str(), where.port));
      co_return;
    } catch (const connection_error& failure) {
      why = failure.what();
    }
  }
  throw connection_error(why);
}

aio::coro<> connection::attempt(redisAsyncContext* context) {
  if (context == nullptr) throw std::bad_alloc();
  if (context->err != 0) {
    const std::string why = context->errstr;
    redisAsyncFree(context);
    throw connection_error("cannot connect: " + why);
  }
  ::fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);
  reason_.clear();
  connected_ = loop_.create_future();
  context_ = context;
  hooks::attach(context, this);
  co_await connected_;
}

void connection::connected(bool is_good) {
  is_connected_ = is_good;
  if (connected_.done()) return;  // nobody waits any more
  if (is_good) {
    connected_.set_result();
  } else {
    connected_.set_exception(connection_error("cannot connect: " + reason()));
  }
}

// All of it is sent at once.
aio::coro<> connection::log_in(const address& where) {
  std::vector<aio::future<value>> answers;
  if (!where.user.empty()) {
    answers.push_back(send("AUTH", where.user, where.password));
  } else if (!where.password.empty()) {
    answers.push_back(send("AUTH", where.password));
  }
  if (where.database != 0)
    answers.push_back(send("SELECT", std::to_string(where.database)));
  answers.push_back(send("PING"));
  for (const aio::future<value>& one : answers) {
    const value& answer = co_await one;
    check_login(answer);
  }
}

// ----- commands -----

void connection::queue(word_list command, aio::future<value> answer) {
  auto one = std::make_unique<waiting>(waiting{this, std::move(answer)});
  hooks::submit(*this, command, &hooks::answer, one.get());
  static_cast<void>(one.release());  // until it is answered
}

void connection::answered(const waiting& one, const redisReply* reply) {
  const bool is_wanted = one.answer && !one.answer.done();
  if (reply == nullptr) {
    if (!is_wanted) return;
    one.answer.set_exception(connection_error(reason()));
    one.answer.exception();  // that of many commands is one error; nobody need ask all
  } else if (is_wanted) {
    one.answer.set_result(to_value(*reply));
  } else if (!one.answer && reply->type == REDIS_REPLY_ERROR) {
    end(std::string_view(reply->str, reply->len));
  }
}

aio::coro<value> connection::without_error(aio::future<value> answer) {
  value got = co_await std::move(answer);
  if (const std::string* const why = got.error()) throw refused(*why);
  co_return got;
}

// ----- Pub/Sub -----

void connection::listen(word_list command) {
  channel_ = command.back();
  agreements_missing_ = command.size() - 1;
  hooks::submit(*this, command, &hooks::publication, this);
}

aio::coro<> connection::agreement() {
  co_await agreed_.wait();
  if (agreements_missing_ > 0) throw_ended();
}

void connection::heard(const redisReply* reply) {
  if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
    return;
  const auto text = [&](std::size_t at) {
    const redisReply& part = *reply->element[at];
    return part.type == REDIS_REPLY_STRING ? std::string(part.str, part.len)
                                           : std::string();
  };
  const std::string kind = text(0);
  if (kind == "message") {
    heard_.put_nowait(published{text(1), text(2)});
  } else if (kind == "subscribe" && agreements_missing_ > 0) {
    if (--agreements_missing_ == 0) agreed_.set();
  }
}

aio::coro<published> connection::next() {
  auto got = co_await heard_.next();
  if (!got) throw_ended();
  co_return std::move(*got);
}

// ----- its descriptor -----

void connection::watch_descriptor(bool reads) {
  bool& is_watched = reads ? reads_ : writes_;
  if (is_watched) return;
  try {
    const int fd = context_->c.fd;
    if (reads) {
      loop_.add_reader(fd, [this] {
        is_alive_ = true;
        redisAsyncHandleRead(context_);
      });
    } else {
      // It writes without MSG_NOSIGNAL: aio::run() has SIGPIPE ignored.
      loop_.add_writer(fd, [this] { redisAsyncHandleWrite(context_); });
    }
    is_watched = true;
  } catch (const std::exception& failure) {
    end_soon(failure.what());
  }
}

// ----- its end -----

// A Redis that is gone without a word is found by what it does not answer. One that
// listens may only ask to listen, again.
void connection::watch() {
  watch_ = loop_.call_later(options_.ping, [this] {
    if (!std::exchange(is_alive_, false)) {
      end(fmt::format("no sign of life for {} ms", to_milliseconds(options_.ping)));
      return;
    }
    try {
      if (channel_.empty()) {
        post("PING");
      } else {
        const std::string_view again[] = {"SUBSCRIBE", channel_};
        hooks::submit(*this, again, &hooks::publication, this);
      }
    } catch (const connection_error&) {
      return;  // it is ending
    }
    watch();
  });
}

aio::coro<> connection::until_end() {
  co_await ended_.wait();
  throw_ended();
}

void connection::end(std::string_view why) {
  if (context_ == nullptr) return;
  if (reason_.empty()) reason_ = why;
  // Within a callback hiredis frees it a little later.
  redisAsyncFree(context_);
}

// For where hiredis does not expect to be freed.
void connection::end_soon(std::string_view why) {
  if (reason_.empty()) reason_ = why;
  ending_ = loop_.call_soon([this] { end(reason_); });
}

void connection::freed() {
  reason_ = reason();
  hooks::stop_reading(*this);
  hooks::stop_writing(*this);
  context_ = nullptr;
  watch_.cancel();
  ending_.cancel();
  if (!is_connected_) return;  // there may be another address to try
  agreed_.set();
  heard_.shutdown();
  ended_.set();
}

std::string connection::reason() const {
  if (!reason_.empty()) return reason_;
  if (context_ != nullptr && context_->c.err != 0) return context_->c.errstr;
  return "the connection was closed";
}

void connection::throw_ended() const { throw connection_error(reason()); }

}  // namespace chat::redis
