// web_notes: a small web service: notes as JSON, kept in memory, and a stream of events
// that tells browsers of new ones.
//
//   $ web_notes [HOST] [PORT]
//   ======== Running on http://127.0.0.1:8888 ========
//   (Press CTRL+C to quit)
//
//   $ curl -d '{"text": "milk"}' http://127.0.0.1:8888/notes
//   {"id":1,"text":"milk"}
//   $ curl http://127.0.0.1:8888/notes/1
//   $ curl -N http://127.0.0.1:8888/events
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "support/program.hpp"

namespace json = boost::json;
namespace web = aio::web;
using aio::web::request;
using aio::web::response;

// [state]
struct notes {
  std::map<int, std::string> texts;
  int last_id = 0;
  std::set<aio::queue<std::string>*> listeners;
};

/// Is told of new notes while it lives.
struct listener {
  explicit listener(notes& of) : all(of) { all.listeners.insert(&news); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener() { all.listeners.erase(&news); }

  notes& all;
  aio::queue<std::string> news;
};

const web::app_key<std::shared_ptr<notes>> notes_key("notes");

json::object as_json(int id, const std::string& text) {
  return {{"id", id}, {"text", text}};
}
// [/state]

// [json]
aio::coro<response> add_note(request& req) {
  const auto value = co_await req.json<json::value>();
  const json::object* const sent = value.if_object();
  if (sent == nullptr || !sent->contains("text") || !sent->at("text").is_string()) {
    throw web::bad_request("a note is an object with a text");
  }
  notes& all = *req.app()[notes_key];
  const int id = ++all.last_id;
  std::string& text = all.texts[id];
  text = sent->at("text").as_string().c_str();
  for (auto* const news : all.listeners) news->put_nowait(text);
  response made = response::json(as_json(id, text), 201);
  made.headers().set("Location", fmt::format("/notes/{}", id));
  co_return made;
}

aio::coro<response> get_note(request& req) {
  const notes& all = *req.app()[notes_key];
  const auto found = all.texts.find(req.match<int>("id"));
  if (found == all.texts.end()) throw web::not_found("no such note");
  co_return response::json(as_json(found->first, found->second));
}
// [/json]

aio::coro<response> list_notes(request& req) {
  json::array list;
  for (const auto& [id, text] : req.app()[notes_key]->texts) {
    if (text.find(req.query().get("contains", "")) == text.npos) continue;
    list.push_back(as_json(id, text));
  }
  co_return response::json(list);
}

// [events]
aio::coro<response> events(request& req) {
  listener here(*req.app()[notes_key]);
  req.on_server_shutdown([&] { here.news.shutdown(); });

  web::sse_response stream;
  co_await stream.prepare(req);
  co_await stream.ping();
  try {
    for (;;) {
      const std::string text = co_await here.news.get();
      co_await stream.send(text, {.event = "note"});
    }
  } catch (const aio::queue_shut_down&) {
  }
  co_return stream;
}
// [/events]

// [middleware]
aio::coro<response> measure(request& req, web::next next) {
  const auto begin = aio::get_running_loop().time();
  response made = co_await next(req);
  const std::chrono::duration<double, std::milli> took =
      aio::get_running_loop().time() - begin;
  if (!made.is_sent()) {
    made.headers().set("Server-Timing",
                       fmt::format("handler;dur={:.1f}", took.count()));
  }
  co_return made;
}
// [/middleware]

// [main]
aio::coro<int> serve(support::address at) {
  web::application app;
  app.set(notes_key, std::make_shared<notes>());
  app.use(measure);
  app.get("/notes", list_notes).post("/notes", add_note);
  app.get("/notes/{id:\\d+}", get_note, {.name = "note"});
  app.get("/events", events);
  app.on_cleanup.append([](const web::application& a) -> aio::coro<> {
    fmt::print("{} notes are forgotten\n", a[notes_key]->texts.size());
    co_return;
  });
  co_await web::run_app(app, {.host = at.host, .port = at.port});
  co_return 0;
}
// [/main]

int main(int argc, char** argv) {
  return support::run("web_notes", serve(support::parse_address(argc, argv)));
}
