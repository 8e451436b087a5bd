// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace chat::terminal {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using aio::http::ws_msg_type;
namespace codes = aio::http::ws_close_code;

constexpr std::size_t most_waiting = 100;
constexpr std::size_t most_people = 200;  // whose names the server tells

std::string text_of(const json::object& from, std::string_view key) {
  return std::string(from.at({key.data(), key.size()}).as_string());
}

message message_of(const json::object& said, const std::string& room) {
  const auto id = parse_id(text_of(said, "id"));
  if (!id) throw std::invalid_argument("a message without an id");
  return {*id, room, text_of(said, "name"), text_of(said, "text"),
          text_of(said, "mark")};
}

// The text is queued before it waits. That a connection has ended is the business of who
// listens.
aio::coro<> deliver(aio::http::client_websocket to, std::string text) {
  try {
    co_await to.send_str(text);
  } catch (const boost::system::system_error&) {
  }
}

aio::duration seconds(double number) {
  return std::chrono::duration_cast<aio::duration>(
      std::chrono::duration<double>(number));
}

}  // namespace

aio::duration delay_after(int code, int failures, double chance) {
  const bool is_restart = code == codes::service_restart || code == codes::going_away;
  if (is_restart && failures == 0) return seconds(0.1 + 1.4 * chance);
  const double most = std::min(15.0, static_cast<double>(1 << std::min(failures, 10)));
  return seconds(most * (0.5 + chance / 2));
}

connection::connection(std::string url, std::string name, std::string room,
                       listener& to)
    : url_(std::move(url)), name_(std::move(name)), room_(std::move(room)), to_(to) {
  has_room_.set();
  settled_.set();
}

// ----- what one does -----

aio::coro<> connection::say(std::string text) {
  co_await has_room_.wait();
  waiting_.push_back({std::move(text), make_unique()});
  settled_.clear();
  if (waiting_.size() >= most_waiting) has_room_.clear();
  if (is_in_) say_now(waiting_.back());
  to_.on_change();
}

aio::coro<> connection::join(std::string room) {
  co_await settle();
  former_room_ = std::exchange(room_, std::move(room));
  last_.reset();
  people_.clear();
  is_joined_.clear();
  if (std::exchange(is_in_, false)) ask_to_join();
  co_await is_joined_.wait();
}

aio::coro<> connection::settle() {
  co_await is_joined_.wait();
  co_await settled_.wait();
}

aio::coro<> connection::leave() {
  is_leaving_ = true;
  if (!ws_) co_return;
  const aio::http::client_websocket last = *ws_;
  co_await last.close();
}

std::string connection::who_is_here() const {
  std::string text = fmt::format("{} {}: {}", count_, count_ == 1 ? "person" : "people",
                                 fmt::join(people_, ", "));
  if (count_ > people_.size()) {
    text += fmt::format(" and {} more", count_ - people_.size());
  }
  return text;
}

// ----- the connection -----

aio::coro<> connection::run() {
  aio::http::client_session session({.timeout = {.total = 15s}});
  for (int failures = 0;; ++failures) {
    const aio::time_point start = aio::get_running_loop().time();
    const ending last = co_await talk(session);
    if (is_leaving_) co_return;
    if (!why_turned_away_.empty()) throw std::runtime_error(why_turned_away_);
    if (!was_in_ && last.error) std::rethrow_exception(last.error);
    // One that is cut off again and again shall come back less and less often.
    const bool has_lasted = aio::get_running_loop().time() - start > 10s;
    if (shall_tell_ && has_lasted) failures = 0;
    const double chance = random_() / static_cast<double>(std::random_device::max());
    const aio::duration delay = delay_after(last.code, failures, chance);
    if (std::exchange(shall_tell_, false)) tell_of(last, delay);
    co_await aio::sleep(delay);
  }
}

aio::coro<connection::ending> connection::talk(aio::http::client_session& session) {
  ending last;
  const aio::detail::scope_exit gone([this] {
    ws_.reset();
    is_in_ = false;
    to_.on_change();
  });
  try {
    ws_ = co_await session.ws_connect(url_, {.heartbeat = 20s});
    ask_to_join();
    last = co_await listen();
  } catch (const std::exception& error) {
    last.error = std::current_exception();
    last.reason = error.what();
  }
  co_return last;
}

aio::coro<connection::ending> connection::listen() {
  const aio::http::client_websocket ws = *ws_;
  for (;;) {
    // Something that is no chat might keep us waiting.
    const aio::time_limit limit = is_in_ ? aio::time_limit() : aio::time_limit(15s);
    const aio::http::ws_message news = co_await ws.receive(limit);
    if (news.is_text()) {
      obey(news.data);
      if (!why_turned_away_.empty()) co_return ending();
    } else if (news.type == ws_msg_type::close) {
      co_return ending{news.code, news.data, nullptr};
    } else if (!news.is_binary()) {
      co_return ending{ws.close_code(), news.data, nullptr};
    }
  }
}

void connection::send(const json::object& request) {
  aio::create_task(deliver(*ws_, json::serialize(request)));
}

void connection::ask_to_join() {
  json::object request{
      {"type", "join"}, {"room", room_}, {"name", name_}, {"key", key_}};
  if (last_) {
    request["since"] = to_string(*last_);
  } else if (!waiting_.empty()) {
    request["since"] = "0-0";  // what is not confirmed may be anywhere in the history
  }
  send(request);
}

void connection::say_now(const item& one) {
  send({{"type", "say"}, {"text", one.text}, {"mark", one.mark}});
}

void connection::tell_of(const ending& last, aio::duration delay) {
  if (last.code == codes::service_restart || last.code == codes::going_away) {
    return to_.on_notice("The server restarts.");
  }
  std::string why = last.reason.empty() ? "Connection lost" : last.reason;
  if (last.code == codes::try_again_later) why = "The server is full";
  to_.on_notice(fmt::format("{}. Reconnecting in {:.1f} s.", why,
                            std::chrono::duration<double>(delay).count()));
}

// ----- what the server says -----

void connection::obey(const std::string& text) {
  try {
    hear(json::parse(text).as_object());
  } catch (const std::exception&) {
    throw std::runtime_error("the server does not speak as a chat does");
  }
}

void connection::hear(const json::object& news) {
  const std::string type = text_of(news, "type");
  if (type == "welcome") return welcome(news);
  if (type == "error") return turned_away(text_of(news, "reason"));
  if (!is_in_) return;  // it is of the room that we leave
  if (type == "message") return take(news);
  if (type == "refused") return refused(text_of(news, "mark"), text_of(news, "reason"));
  if (type == "arrived" || type == "left" || type == "count") {
    count_ = news.at("count").to_number<std::size_t>();
  }
  if (type == "arrived") arrived(text_of(news, "name"));
  if (type == "left") left(text_of(news, "name"));
}

void connection::welcome(const json::object& news) {
  room_ = text_of(news, "room");
  me_ = text_of(news, "me") + '-';
  count_ = news.at("count").to_number<std::size_t>();
  absent_ = std::exchange(people_, {});
  absent_until_ = aio::get_running_loop().time() + 30s;
  for (const json::value& one : news.at("people").as_array()) {
    people_.emplace(one.as_string());
  }
  for (const std::string& one : people_) absent_.erase(one);
  if (last_ && news.at("gap").as_bool())
    to_.on_notice("Some messages are missing here.");
  for (const json::value& one : news.at("history").as_array()) take(one.as_object());
  was_in_ = true;
  shall_tell_ = true;
  is_in_ = true;
  former_room_.clear();
  is_joined_.set();
  to_.on_notice(
      fmt::format("You are {} in {}; {}", text_of(news, "name"), room_, who_is_here()));
  to_.on_change();
  for (const item& one : waiting_) say_now(one);
}

// Who comes back after a restart has not been away for us.
void connection::arrived(const std::string& name) {
  if (people_.size() < most_people) people_.insert(name);
  const bool was_here = absent_.erase(name) > 0;
  if (was_here && aio::get_running_loop().time() < absent_until_) return;
  to_.on_notice(name + " has joined");
}

void connection::left(const std::string& name) {
  people_.erase(name);
  to_.on_notice(name + " has left");
}

void connection::turned_away(const std::string& reason) {
  if (is_in_) return to_.on_notice("The server says: " + reason);
  if (former_room_.empty()) {
    why_turned_away_ = "the server says: " + reason;
    return;
  }
  to_.on_notice(fmt::format("Not in {}: {}", room_, reason));
  room_ = std::exchange(former_room_, {});
  ask_to_join();
}

void connection::refused(const std::string& mark, const std::string& reason) {
  for (const item& one : waiting_) {
    if (one.mark == mark) {
      to_.on_notice(fmt::format("Not sent: {}: {}", reason, one.text));
    }
  }
  forget(mark);
}

// A message of our own is confirmed by its coming, even if it comes again because we have
// said it again.
void connection::take(const json::object& said) {
  const message one = message_of(said, room_);
  if (one.mark.starts_with(me_)) forget(one.mark.substr(me_.size()));
  if (last_ && one.id <= *last_) return;
  last_ = one.id;
  to_.on_message(one);
}

void connection::forget(std::string_view mark) {
  const auto has_mark = [&](const item& one) { return one.mark == mark; };
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), has_mark);
  if (found == waiting_.end()) return;
  waiting_.erase(found);
  has_room_.set();
  if (waiting_.empty()) settled_.set();
  to_.on_change();
}

// A key, or a mark: nobody else has the same, nor can guess it.
std::string connection::make_unique() {
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random_(), random_(), random_(),
                     random_());
}

}  // namespace chat::terminal
