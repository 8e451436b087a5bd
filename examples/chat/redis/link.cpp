// SPDX-License-Identifier: BSL-1.0

#include "link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "../log.hpp"
#include "backoff.hpp"

namespace chat::redis {
namespace {

std::string random_id() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", device());
  return id;
}

// The first of several errors has brought the others about.
std::string reason_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const aio::exception_group& several) {
    return reason_of(several.exceptions().front());
  } catch (const std::exception& one) {
    return one.what();
  }
}

}  // namespace

names::names(std::string_view prefix, int database)
    : messages(fmt::format("{}:messages", prefix)),
      life(fmt::format("{}:life", prefix)),
      wake(fmt::format("{}:wake:{}", prefix, database)),
      presence(fmt::format("{}:presence:{}", prefix, database)) {}

link::link(address where, const redis_options& options)
    : where_(std::move(where)),
      options_(options),
      names_(options.prefix, where_.database),
      id_(random_id()),
      outbox_(options.outbox),
      presence_(id_) {
  options_.prefix = {};  // what it refers to may not live as long
}

// ----- sessions: from one loss of the connections to the next -----

aio::coro<> link::start(relay_listener& to) {
  if (listener_ != nullptr || is_stopped_)
    throw aio::usage_error("a relay is started once");
  listener_ = &to;
  presence_.tell(&to);
  first_try_ = aio::get_running_loop().create_future();
  running_ = aio::create_task(run(shared_from_this()));
  try {
    co_await aio::wait_for(first_try_, options_.connect_limit);
  } catch (const aio::timeout_error&) {
    // It goes on trying.
  }
}

void link::tell_first_try(const std::exception_ptr& failure) {
  if (first_try_.done()) return;
  if (failure) {
    first_try_.set_exception(failure);
  } else {
    first_try_.set_result();
  }
}

aio::coro<> link::run(std::shared_ptr<link>) {
  aio::event_loop& loop = aio::get_running_loop();
  backoff pause(options_.first_retry, options_.last_retry);
  bool is_refused = false;
  try {
    while (!is_refused) {
      const aio::time_point begun = loop.time();
      std::exception_ptr failure;
      try {
        co_await session();
      } catch (const login_refused&) {
        failure = std::current_exception();
        is_refused = !first_try_.done();
      } catch (const std::exception&) {
        failure = std::current_exception();
      }
      went_down(failure);
      tell_first_try(is_refused ? failure : nullptr);
      if (loop.time() - begun > options_.last_retry) pause.reset();
      if (!is_refused) co_await aio::sleep(pause.next());
    }
  } catch (const aio::cancelled_error&) {
    if (!is_stopped_) throw;
  }
}

aio::coro<> link::session() {
  const connection_options options{options_.connect_limit, options_.ping};
  const auto commands = co_await connection::open(where_, options);
  const auto ears = co_await connection::open(where_, options);
  // Before anything is read: what comes later wakes us.
  co_await ears->subscribe(names_.wake, names_.presence);
  const aio::detail::scope_exit at_last([this] {
    commands_ = nullptr;
    is_up_ = false;
    presence_.disconnected();
  });
  const auto body = [&](aio::task_group& all) -> aio::coro<> {
    all.create_task(commands->until_end());
    all.create_task(ears->until_end());
    commands_ = commands.get();
    co_await catch_up();
    went_up();
    all.create_task(read_when_woken());
    all.create_task(listen(*ears));
    all.create_task(beat());
    flush();
  };
  co_await aio::with(aio::task_group(), body);
}

void link::went_up() {
  is_up_ = true;
  is_reported_down_ = false;
  log(log_level::info, "redis_up",
      {{"url", to_string(where_)}, {"waiting", outbox_.size()}});
  presence_.connected(aio::get_running_loop().time());
  tell_first_try(nullptr);
}

void link::went_down(const std::exception_ptr& failure) {
  const log_level level = is_reported_down_ ? log_level::debug : log_level::warning;
  is_reported_down_ = true;
  log(level, "redis_down",
      {{"url", to_string(where_)},
       {"reason", reason_of(failure)},
       {"waiting", outbox_.size()}});
}

// ----- reading -----

aio::coro<> link::catch_up() {
  commands_->post("SET", names_.life, random_id(), "NX");
  const value answer = co_await commands_->call("GET", names_.life);
  const std::string life = answer.text() != nullptr ? *answer.text() : std::string();
  const value info = co_await commands_->send("XINFO", "STREAM", names_.messages);
  const stream_state now = read_state(info);
  if (has_history_) {
    co_await find_place(now, life == life_);
    life_ = life;  // not before: if we get no further, it is found out again
  } else {
    life_ = life;
    co_await tell_history(now.last);
  }
  // What has arrived of the outbox is found, before the rest of it is sent again.
  outbox_.rewind();
  co_await read_on();
}

aio::coro<> link::tell_history(message_id last) {
  place_ = last;
  begin_ = last;
  if (options_.history > 0) {
    const std::string count = std::to_string(options_.history);
    const value answer = co_await commands_->call("XREVRANGE", names_.messages, "+",
                                                  "-", "COUNT", count);
    std::vector<entry> entries = read_entries(answer);
    std::reverse(entries.begin(), entries.end());
    // If there are fewer, there is nothing before them.
    begin_ = entries.size() < options_.history ? message_id() : entries.front().id;
    for (const entry& one : entries) take(one);
  }
  has_history_ = true;
}

// Where to read on after a reconnect. Whatever is read twice is not told twice.
aio::coro<> link::find_place(stream_state now, bool is_same_life) {
  bool is_all_lost = false;
  if (!is_same_life) {
    const bool is_still_there = co_await has_entry(place_);
    is_all_lost = !is_still_there;
  }
  if (is_all_lost || now.last < place_) {
    log(log_level::warning, "redis_data_lost",
        {{"last_read", to_string(place_)}, {"last_there", to_string(now.last)}});
    if (is_all_lost) begin_ = {};
    place_ = begin_;
  } else if (now.first > place_ && place_ != message_id()) {
    log(log_level::warning, "redis_gap",
        {{"last_read", to_string(place_)}, {"first_there", to_string(now.first)}});
  }
}

aio::coro<bool> link::has_entry(message_id id) {
  const std::string text = to_string(id);
  const value answer = co_await commands_->call("XRANGE", names_.messages, text, text);
  co_return !read_entries(answer).empty();
}

aio::coro<> link::read_on() {
  const std::string page = std::to_string(options_.page);
  bool is_end = false;
  while (!is_end) {
    const std::uint64_t sent = outbox_.last_sent();
    const std::string place = to_string(place_);
    const value answer = co_await commands_->call("XREAD", "COUNT", page, "STREAMS",
                                                  names_.messages, place);
    const std::vector<entry> news = read_news(answer);
    for (const entry& one : news) take(one);
    is_end = news.size() < options_.page;
    if (is_end && outbox_.holds_up_to(sent)) {
      // Redis had added it before it looked, so somebody has deleted it.
      log(log_level::warning, "redis_message_deleted", {{"number", sent}});
      outbox_.rewind();
      flush_soon();
    }
  }
}

void link::take(const entry& one) {
  place_ = one.id;
  const bool is_mine = one.holds && one.holds->from == id_;
  if (!one.holds || (is_mine && !outbox_.take_back(one.holds->number))) {
    log(log_level::warning, "redis_strange_entry", {{"id", to_string(one.id)}});
    return;
  }
  if (outbox_.empty()) settled_.set();
  if (!senders_.is_new(one.holds->from, one.holds->number)) return;
  told_ = one.id > told_ ? one.id : after(told_);
  if (listener_ == nullptr) return;
  message said = one.holds->said;
  said.id = told_;
  listener_->on_message(said);
}

aio::coro<> link::read_when_woken() {
  for (;;) {
    co_await wake_.wait();
    wake_.clear();
    co_await read_on();
  }
}

// ----- the others -----

aio::coro<> link::listen(connection& ears) {
  const aio::event_loop& loop = aio::get_running_loop();
  for (;;) {
    const published got = co_await ears.next();
    if (got.channel == names_.wake) {
      wake_.set();
    } else {
      presence_.receive(got.text, loop.time());
      flush_soon();
    }
  }
}

aio::coro<> link::beat() {
  const aio::event_loop& loop = aio::get_running_loop();
  for (;;) {
    co_await aio::sleep(options_.heartbeat);
    presence_.expire(loop.time() - options_.silence);
    presence_.beat();
    flush();
    wake_.set();  // one that has died may have sent a message and no word of it
  }
}

// ----- sending -----

// All that is said in one turn of the loop goes at once.
void link::flush_soon() {
  if (!is_up_ || std::exchange(is_flush_due_, true)) return;
  aio::get_running_loop().call_soon([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

void link::flush() {
  is_flush_due_ = false;
  if (!is_up_ || is_stopped_) return;
  try {
    bool has_news = false;
    const std::string keep = std::to_string(options_.keep);
    while (const outbox::item* const one = outbox_.next()) {
      const message& said = one->said;
      commands_->post("XADD", names_.messages, "MAXLEN", "~", keep, "*", "room",
                      said.room, "name", said.name, "text", said.text, "mark",
                      said.mark, "from", id_, "number", std::to_string(one->number));
      has_news = true;
    }
    if (has_news) commands_->post("PUBLISH", names_.wake, "");
    for (const std::string& one : presence_.take_messages())
      commands_->post("PUBLISH", names_.presence, one);
  } catch (const connection_error&) {
    // The session is about to end for the same reason; the next one sends it again.
  }
}

bool link::say(message said) {
  if (is_stopped_ || !outbox_.put(std::move(said))) return false;
  flush_soon();
  return true;
}

void link::arrive(const std::string& room, const std::string& name) {
  presence_.arrive(room, name);
  flush_soon();
}

void link::depart(const std::string& room, const std::string& name) {
  presence_.depart(room, name);
  flush_soon();
}

// ----- the end -----

aio::coro<> link::settle() {
  for (;;) {
    if (outbox_.empty()) co_return;
    if (is_stopped_) throw error("the relay was stopped while messages waited");
    settled_.clear();
    co_await settled_.wait();
  }
}

aio::coro<> link::stop() {
  const aio::detail::scope_exit at_last([this] { abandon(); });
  is_stopped_ = true;
  if (is_up_) {
    try {
      co_await aio::wait_for(
          commands_->call("PUBLISH", names_.presence, presence_.goodbye()),
          options_.connect_limit);
    } catch (const std::exception&) {
      // Then they find out by our silence.
    }
  }
  abandon();
  if (running_) co_await running_;
}

void link::abandon() {
  is_stopped_ = true;
  listener_ = nullptr;
  presence_.tell(nullptr);
  settled_.set();
  if (first_try_) tell_first_try(nullptr);
  if (running_) running_.cancel();
}

}  // namespace chat::redis
