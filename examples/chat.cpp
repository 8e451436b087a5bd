// chat: rooms for browsers and terminals, in one process or in several that share a Redis.
//
//   $ chat                          (until Ctrl-C; --help tells the options)
//   Chat: http://127.0.0.1:8080/    a page; open it twice
//   Lines: 127.0.0.1:8888           for nc
//
// The parts are in chat/, and docs/chat.md tells how they fit together.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "chat/hub.hpp"
#include "chat/line_client.hpp"
#include "chat/log.hpp"
#include "chat/make_relay.hpp"
#include "chat/options.hpp"
#include "chat/page_client.hpp"
#include "support/program.hpp"

namespace web = aio::web;

namespace {

// The page needs nothing but its own files, and is told to want nothing else.
aio::coro<web::response> with_safe_headers(web::request& req, web::next next) {
  web::response answer = co_await next(req);
  answer.headers().set("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; "
                       "img-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'");
  answer.headers().set("X-Content-Type-Options", "nosniff");
  answer.headers().set("Referrer-Policy", "no-referrer");
  answer.headers().set("Cache-Control", "no-cache");
  co_return answer;
}

web::application make_app(chat::hub& all) {
  web::application app;
  const std::string index = all.limits().page + "/index.html";
  app.use(with_safe_headers);
  app.get("/", [index](web::request&) { return web::response::file(index); });
  app.get("/ws", [&all](web::request& req) { return serve_page(all, req); });
  app.get("/stats", [&all](web::request&) {
    return web::response::text(all.stats_line() + "\n");
  });
  app.static_files("/", all.limits().page);
  return app;
}

aio::coro<> until_closed(aio::server one) { co_await one.wait_closed(); }

// In this order nobody loses anything: no new clients; what was said reaches everybody;
// then they are sent to the next server.
aio::coro<> end_in_order(chat::hub& all, chat::relay& by, aio::server lines,
                         const web::tcp_site& site, web::app_runner pages) {
  chat::log(chat::log_level::info, "stopping", {{"stats", all.stats_line()}});
  const std::chrono::seconds limit = all.limits().drain;
  lines.close();
  site.stop();
  bool is_settled = true;
  try {
    co_await aio::wait_for(by.settle(), limit);
  } catch (const aio::timeout_error&) {
    is_settled = false;
  }
  if (!is_settled) chat::log(chat::log_level::warning, "unsettled");
  all.dismiss_all();
  auto gone = aio::create_task(until_closed(lines));
  auto left = aio::create_task(pages.cleanup());
  co_await aio::wait({.timeout = limit}, gone, left);
  lines.abort_clients();
  co_await left;
  co_await by.stop();
  chat::log(chat::log_level::info, "stopped");
}

aio::coro<int> serve(chat::options with) {
  aio::signal_stream signals(SIGINT, SIGTERM);
  const std::unique_ptr<chat::relay> by = chat::make_relay(with);
  chat::hub all(*by, with);
  co_await by->start(all);

  web::app_runner pages(make_app(all), {.shutdown_timeout = with.drain});
  co_await pages.setup();
  web::tcp_site site(pages, with.host, with.web_port,
                     {.backlog = 1024, .reuse_port = with.reuse_port});
  co_await site.start();
  auto serve_one = [&all](aio::stream_reader reader, aio::stream_writer writer) {
    return serve_lines(all, std::move(reader), std::move(writer));
  };
  auto lines = co_await aio::start_server(
      serve_one, with.host, with.line_port,
      {.limit = with.max_message + 1, .backlog = 1024, .reuse_port = with.reuse_port});

  fmt::print("Chat: http://{}:{}/\n", with.host, site.port());
  fmt::print("Lines: {}\n", fmt::join(lines.endpoints(), ", "));
  std::fflush(stdout);
  chat::log(chat::log_level::info, "started",
            {{"web", site.port()}, {"line", lines.port()}, {"relay", by->state()}});
  co_await signals.next();
  co_await end_in_order(all, *by, lines, site, pages);
  co_return 0;
}

// A client is a descriptor: as many as we may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  const chat::options with = chat::parse_options(argc, argv);
  chat::set_log_level(with.log);
  raise_descriptor_limit();
  return support::run(argv[0], serve(with));
}
